"""THE list of attacks and faults that Twofold must withstand: each with its promise, the failure of another product or
the rule of a standard that it mirrors, and the tests that carry it out. What has no test yet stands under `LATER`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One attack; `tests` are `file::function` below `tests/`."""

    promise: str
    mirrors: str
    tests: tuple[str, ...]


def case(promise: str, mirrors: str, *tests: str) -> Case:
    """One attack."""
    return Case(promise, mirrors, tests)


_CODES, _DOORS, _LIMITS = "factors/test_codes.py", "contract/test_doors.py", "contract/test_limits.py"
_RACES, _BROWSER, _SECRETS = "contract/test_races.py", "attacks/test_browser_rules.py", "attacks/test_secrets.py"
_SIGN_IN, _ENDS, _TRUSTED = "signin/test_sign_in.py", "contract/test_what_ends_what.py", "computers/test_trusted.py"
_ENROL, _TIMING, _COSTLY = "factors/test_enrolment.py", "attacks/test_timing.py", "attacks/test_costly_work.py"
_AWAY, _KILLS, _START = "faults/test_database_away.py", "faults/test_kills.py", "faults/test_start.py"
_PHONES, _SPENDING, _FORGOTTEN = "factors/test_phones.py", "factors/test_spending.py", "password/test_forgotten.py"

CASES = {
    "A01": case(
        "A code is good once.",
        "Gitea CVE-2021-45331; Vault CVE-2025-6014; RFC 6238 5.2",
        f"{_CODES}::test_a_code_is_taken_once",
        f"{_CODES}::test_a_code_spent_at_the_door_does_not_unlock",
    ),
    "A02": case(
        "Of fifty who offer a code at the same moment one is let in.",
        "Gitea CVE-2026-20779",
        f"{_RACES}::test_of_many_at_once_one_wins",
        "contract/test_races_can_fail.py::test_more_than_one_wins_against_the_broken_build",
    ),
    "A04": case(
        "A spent code is spent in every spelling.",
        "OpenBao CVE-2025-55003; Vault CVE-2025-6015",
        "contract/test_bad_input.py::test_a_code_is_read_as_people_type_it",
        "contract/test_bad_input.py::test_what_is_not_six_digits_is_told_and_costs_no_try",
        "factors/test_rules.py::test_any_text_is_six_plain_digits_or_refused",
    ),
    "A06": case(
        "A code is good for its half minute and one either side.",
        "Microsoft AuthQuake; RFC 6238 5.2",
        f"{_CODES}::test_a_code_is_taken_for_its_step_and_one_either_side",
        "factors/totp/test_rules.py::test_the_window_moves_with_the_half_minute",
    ),
    "A09": case(
        "A code that was sent is good once.",
        "SP 800-63B 3.1.3.2",
        f"{_PHONES}::test_a_sent_code_signs_in_once",
        f"{_RACES}::test_of_many_at_once_one_wins",
    ),
    "B01": case(
        "Wrong codes are limited by minutes, hours and days, over all sign-ins.",
        "ZITADEL CVE-2024-32868; RFC 4226 7.3",
        f"{_LIMITS}::test_wrong_codes_are_limited_by_minutes_hours_and_days",
        f"{_LIMITS}::test_the_limit_holds_again_after_its_window_has_passed",
        f"{_LIMITS}::test_after_too_many_in_a_row_no_code_is_taken",
    ),
    "B02": case(
        "No more codes are compared at once than the limit allows.",
        "ZITADEL CVE-2023-47111",
        f"{_RACES}::test_no_more_are_compared_at_once_than_the_limit_allows",
        "contract/test_races_can_fail.py::test_the_broken_build_compares_more_than_the_limit",
    ),
    "B04": case(
        "A right password does not clear wrong codes.",
        "Cwork GHSA-3cgw-73cr-r8c6",
        f"{_LIMITS}::test_a_right_password_does_not_clear_wrong_codes",
    ),
    "B05": case(
        "All methods and doors share one count.",
        "privacyIDEA 4740; SP 800-63B 3.1.3.2",
        f"{_LIMITS}::test_all_doors_and_methods_share_one_count",
        f"{_PHONES}::test_all_methods_share_one_count",
        f"{_PHONES}::test_a_new_code_kills_the_old_and_forgives_nothing",
    ),
    "B08": case(
        "Nobody chooses the address that is counted.",
        "django-allauth 65.14.2; Keycloak CVE-2026-96445",
        f"{_LIMITS}::test_strangers_do_not_choose_their_address",
        f"{_LIMITS}::test_the_nearest_untrusted_hop_is_the_client",
    ),
    "B09": case(
        "An IPv6 network counts as one source.",
        "Nextcloud CVE-2021-22915",
        f"{_LIMITS}::test_an_ipv6_network_counts_as_one",
    ),
    "B11": case(
        "Strangers cannot lock the owner out.",
        "Keycloak discussion of January 2026; ASVS 6.1.1",
        f"{_LIMITS}::test_strangers_cannot_lock_out_a_known_browser",
        f"{_LIMITS}::test_wrong_passwords_make_the_wait_grow",
        f"{_COSTLY}::test_a_flood_locks_nobody_out",
    ),
    "C01": case(
        "A half-open sign-in opens nothing but its next step.",
        "ZITADEL CVE-2025-64103; Kratos 3671",
        f"{_DOORS}::test_a_half_open_sign_in_opens_nothing_else",
        f"{_DOORS}::test_a_half_open_sign_in_shows_nothing_of_the_account",
    ),
    "C02": case(
        "A new password by a link neither signs in nor lifts 2FA.",
        "Lemmy 3714; GitLab 31308",
        "journeys/test_links.py::test_a_reset_link_changes_the_password_and_leaves_two_factor_on",
        f"{_ENDS}::test_an_act_ends_what_the_table_says",
    ),
    "C03": case(
        "Every door asks for the second factor, and there is no other door.",
        "pgAdmin CVE-2026-7820; Casdoor CVE-2026-9091; django-mfa3 PYSEC-2022-192",
        f"{_DOORS}::test_routes_that_need_somebody_refuse_nobody",
        f"{_DOORS}::test_what_is_no_token_opens_nothing",
        "signin/test_rules.py::test_no_sequence_of_four_steps_gives_more_than_was_proven",
    ),
    "C06": case(
        "Every step gives a new identifier, and none that an attacker set is adopted.",
        "ZITADEL CVE-2024-28197; ASVS 7.2.4",
        f"{_BROWSER}::test_no_identifier_that_an_attacker_set_is_adopted",
        f"{_BROWSER}::test_every_step_gives_a_new_identifier_and_ends_the_old",
    ),
    "C08": case(
        "A half-open sign-in ends after five minutes or five wrong codes; tabs do not help each other.",
        "Warehouse's 300 s",
        f"{_SIGN_IN}::test_a_half_open_sign_in_lives_five_minutes",
        f"{_LIMITS}::test_five_wrong_codes_end_a_sign_in",
        f"{_SIGN_IN}::test_sign_ins_do_not_help_each_other",
    ),
    "D01": case(
        "Trust lasts thirty days from the proof.",
        "the article",
        f"{_TRUSTED}::test_trust_ends_thirty_days_after_the_proof_whatever_its_use",
    ),
    "D02": case(
        "Two people share a browser, each with their own trust.",
        "django-two-factor-auth pull 263",
        f"{_BROWSER}::test_two_people_trust_one_browser_each_for_themselves",
    ),
    "D03": case(
        "Every change of credentials ends trust.",
        "Vaultwarden pull 7682; scheb 126; better-auth pull 7644",
        f"{_ENDS}::test_an_act_ends_what_the_table_says",
        f"{_ENDS}::test_an_account_disabled_and_enabled_revives_no_trust",
    ),
    "D06": case(
        "Trust that a policy ended does not return with the policy.",
        "ASVS 8.3.2",
        f"{_ENDS}::test_a_computer_trusted_once_is_not_trusted_again_when_its_policy_returns",
    ),
    "D08": case(
        "Computers are listed by harmless names and forgotten one by one.",
        "ASVS 7.5.2",
        f"{_TRUSTED}::test_one_of_two_computers_is_forgotten",
        f"{_TRUSTED}::test_a_computer_is_named_in_our_own_words",
    ),
    "E01": case(
        "No route changes settings that are locked.",
        "Nextcloud GHSA-j4qm-5q5x-54m5; ASVS 7.5.1",
        f"{_DOORS}::test_routes_that_change_settings_refuse_a_locked_session",
        f"{_DOORS}::test_what_the_contract_guards_needs_an_unlocked_session",
    ),
    "E02": case(
        "Unlocking lapses, and is of one session alone.",
        "Kratos network 237",
        "model/test_reference_model.py::test_the_service_does_what_the_model_says",
        "model/test_reference_model.py::test_builds_broken_on_purpose_are_found_out",
    ),
    "E03": case(
        "2FA is off until a code has confirmed it.",
        "CVE-2022-36071",
        f"{_ENDS}::test_an_enrolment_that_is_not_finished_changes_nothing",
        f"{_CODES}::test_an_unverified_app_answers_nothing",
    ),
    "E05": case(
        "Adding or replacing a factor needs the old one.",
        "wagtail-2fa GHSA-89px-ww3j-g2mm; parse-server 9623",
        f"{_DOORS}::test_what_the_contract_guards_needs_an_unlocked_session",
        f"{_CODES}::test_unlocking_tells_the_same_as_the_sign_in",
        f"{_ENROL}::test_what_is_replaced_works_until_the_new_one_is_proved",
    ),
    "E06": case(
        "Other people's things are nothing here.",
        "wagtail-2fa GHSA-9gjv-6qq6-v7qm; ASVS 8.2.2",
        f"{_BROWSER}::test_other_peoples_things_are_nothing_here",
        f"{_BROWSER}::test_other_peoples_pages_are_nothing_here",
    ),
    "E07": case(
        "Turning 2FA on ends all other sessions.",
        "OpenProject CVE-2023-31140; GitLab 31307",
        f"{_ENDS}::test_an_act_ends_what_the_table_says",
    ),
    "E09": case(
        "Every picture is a valid key URI of its own secret, and any compliant app makes its codes.",
        "RFC 4226; WCAG 1.1.1",
        "interop/test_qr.py::test_zbar_reads_every_picture",
        f"{_BROWSER}::test_no_two_enrolments_share_a_secret",
    ),
    "F01": case(
        "The recovery code is shown once, works once and is replaced.",
        "SP 800-63B 4.2.1.1",
        "journeys/test_article.py::test_a_recovery_code_is_shown_only_once",
        f"{_SECRETS}::test_no_secret_is_told_again",
        f"{_RACES}::test_of_many_at_once_one_wins",
    ),
    "F04": case(
        "Older recovery codes stay dead.",
        "CVE-2022-36071",
        f"{_SIGN_IN}::test_older_recovery_codes_stay_dead",
    ),
    "F05": case(
        "Links show the configured address only.",
        "ZITADEL CVE-2023-49097",
        f"{_BROWSER}::test_printed_links_show_the_configured_address",
        f"{_BROWSER}::test_no_header_says_where_our_pages_are",
        f"{_FORGOTTEN}::test_a_link_is_built_from_the_settings_alone",
        f"{_FORGOTTEN}::test_an_absolute_address_in_the_request_line_is_not_believed",
    ),
    "F07": case(
        "A reset link works once, for an hour, and only while it is the newest; looking at it does not use it up.",
        "Apache Answer CVE-2024-41890; Discourse CVE-2021-37693",
        f"{_FORGOTTEN}::test_looking_does_not_use_it_up_and_using_does",
        f"{_FORGOTTEN}::test_a_link_dies_after_an_hour",
        f"{_FORGOTTEN}::test_a_newer_link_kills_the_older",
        f"{_FORGOTTEN}::test_a_link_dies_with_the_credentials_it_was_made_under",
        f"{_RACES}::test_of_many_at_once_one_wins",
    ),
    "F11": case(
        "The last administrator stays, however many close their accounts at once.",
        "ASVS 6.3.4",
        "owner/test_closing.py::test_the_last_administrator_stays",
        "owner/test_closing.py::test_of_two_administrators_who_close_at_once_one_stays",
    ),
    "G01": case(
        "A sent code lives five minutes, and only for what it was asked for.",
        "ASVS 6.6.2",
        f"{_PHONES}::test_a_code_is_good_for_five_minutes_and_its_own_sign_in",
        f"{_PHONES}::test_a_sent_code_unlocks_its_own_session",
    ),
    "G02": case(
        "A new code kills the old, waits grow, counts stay, and no answer tells number or code.",
        "SP 800-63B 3.1.3.2; ASVS 14.2.6",
        f"{_PHONES}::test_a_new_code_kills_the_old_and_forgives_nothing",
        f"{_PHONES}::test_no_answer_tells_number_or_code",
        "factors/test_spending_rules.py::test_waits_begin_at_thirty_seconds_and_double_to_ten_minutes",
    ),
    "G03": case(
        "The gateway gets at most the caps, whatever the spelling, the account or the source.",
        "pumping, as Twilio and Telnyx describe it",
        f"{_SPENDING}::test_a_number_gets_five_an_hour_however_it_is_written_and_whoever_asks",
        f"{_SPENDING}::test_two_hundred_at_once_get_exactly_the_cap",
        f"{_SPENDING}::test_a_pumped_prefix_closes_for_twelve_hours",
        "factors/test_caps.py::test_a_thousand_sends_reach_the_gateway_as_often_as_the_cap_allows",
        f"{_SPENDING}::test_a_country_that_is_no_longer_served_gets_nothing",
    ),
    "G04": case(
        "A number counts when it is proven, and is changed by fresh proof alone; the old one is told.",
        "SP 800-63B 3.1.3.3",
        f"{_PHONES}::test_a_number_counts_when_its_code_is_given",
        f"{_PHONES}::test_changing_a_number_needs_fresh_proof",
        f"{_PHONES}::test_a_number_that_is_taken_off_is_told",
    ),
    "G06": case(
        "Only methods that this person has proven are sent to.",
        "ASVS 6.3.4",
        f"{_PHONES}::test_only_ones_own_proven_phones_are_sent_to",
    ),
    "H01": case(
        "Known and unknown addresses get the same answer.",
        "Grafana CVE-2022-39307; ASVS 6.3.8",
        f"{_TIMING}::test_a_refused_sign_in_says_the_same_to_all",
        f"{_TIMING}::test_a_limit_that_is_reached_says_the_same_to_all",
        "signup/test_by_mail.py::test_a_known_address_gets_the_same_answer_and_its_owner_a_mail",
        f"{_FORGOTTEN}::test_mails_are_limited_by_address_and_the_answer_stays_the_same",
    ),
    "H02": case(
        "Known and unknown addresses take the same time.",
        "Vault CVE-2025-6011; Django CVE-2024-39329",
        f"{_TIMING}::test_the_time_does_not_tell_whether_an_address_is_known",
        f"{_TIMING}::test_the_statistic_sees_what_it_is_for",
    ),
    "H04": case(
        "No target leads off the site.",
        "Flask-Security PYSEC-2021-123, CVE-2023-49438",
        f"{_BROWSER}::test_no_target_leads_off_the_site",
    ),
    "H05": case(
        "No page of another site acts.",
        "ASVS 3.5.1",
        f"{_DOORS}::test_forms_of_other_sites_are_refused",
        f"{_BROWSER}::test_a_page_elsewhere_changes_nothing",
        f"{_BROWSER}::test_following_a_link_changes_nothing",
    ),
    "H06": case(
        "Every answer carries its guards, and cookies are bound to the host.",
        "ASVS 3.3, 3.4",
        f"{_BROWSER}::test_every_answer_is_guarded",
        f"{_BROWSER}::test_cookies_over_https_are_bound_to_the_host",
    ),
    "H07": case(
        "Hostile names are refused or inert.",
        "ASVS 1.2.10, 16.4.1",
        f"{_BROWSER}::test_a_hostile_name_is_refused_or_inert",
        "notices/test_notices.py::test_a_hostile_name_is_inert",
        "couriers/test_smtp.py::test_no_line_of_a_message_becomes_a_header",
    ),
    "H08": case(
        "The article can be followed by keyboard, without script and on a small screen.",
        "WCAG 3.3.8, 2.2.1",
        "journeys/test_keyboard.py::test_one_signs_in_with_the_keyboard_alone",
        "journeys/test_article.py::test_whoever_follows_the_article_signs_in_with_a_code",
        "journeys/test_every_page.py::test_pages_of_a_full_account",
    ),
    "K01": case(
        "No secret is where it need not be.",
        "standard_id 0.26.2; CodeIgniter Shield GHSA-j72f-h752-mx4w; ASVS 16.2.5",
        f"{_SECRETS}::test_no_secret_is_in_the_output",
        f"{_SECRETS}::test_no_secret_is_in_any_file",
        f"{_SECRETS}::test_no_secret_is_in_the_process",
    ),
    "K02": case(
        "A stolen database tells no secret, and swapped seeds are refused.",
        "RFC 6238 5.1",
        f"{_SECRETS}::test_no_secret_is_in_any_file",
        f"{_SECRETS}::test_swapped_seeds_are_refused",
    ),
    "K03": case(
        "Every deed and every refused proof is one event; people read only their own.",
        "ASVS 16.3.1, 16.4.2",
        "audit/test_events.py::test_every_kind_of_event_is_caused_by_something",
        "audit/test_events.py::test_people_read_only_their_own",
        "audit/test_events.py::test_nothing_changes_the_history",
    ),
    "K06": case(
        "Never a new key over old data.",
        "Kanidm; ASVS 13.4.2",
        f"{_START}::test_a_missing_key_file_is_not_made_anew",
        f"{_START}::test_a_key_file_that_is_not_right_is_never_replaced",
    ),
    "L01": case(
        "Nothing that is sent makes a 500.",
        "ASVS 16.5.4",
        "attacks/test_fuzz.py::test_no_request_led_by_the_schema_breaks_the_api",
    ),
    "L04": case(
        "Costly passwords are bounded.",
        "OWASP; subarr 292",
        f"{_COSTLY}::test_a_flood_of_sign_ins_ends_in_clean_refusals_and_bounded_memory",
        f"{_COSTLY}::test_a_long_password_is_refused_before_it_is_hashed",
    ),
    "M01": case(
        "kill -9 loses nothing acknowledged on SQLite.",
        "SQLite",
        f"{_KILLS}::test_no_acknowledged_write_is_lost_when_the_service_is_killed",
    ),
    "M02": case(
        "kill -9 of the service or of PostgreSQL loses nothing acknowledged.",
        "PostgreSQL",
        f"{_KILLS}::test_no_acknowledged_write_is_lost_when_the_service_on_postgres_is_killed",
        f"{_KILLS}::test_no_acknowledged_write_is_lost_when_postgres_is_killed",
    ),
    "M05": case(
        "A full disk shuts every door and heals.",
        "ASVS 16.5.3",
        f"{_AWAY}::test_a_full_disk_shuts_every_door",
        f"{_AWAY}::test_what_was_acknowledged_while_a_disk_filled_is_there",
    ),
    "M06": case(
        "A locked, mute or read-only database shuts every door.",
        "ASVS 16.5.3",
        f"{_AWAY}::test_a_foreign_lock_on_sqlite_shuts_every_door",
        f"{_AWAY}::test_a_read_only_file_shuts_every_door",
        f"{_AWAY}::test_a_read_only_postgres_shuts_every_door",
        f"{_AWAY}::test_a_mute_postgres_shuts_every_door",
    ),
    "M07": case(
        "A database that restarts under load costs 503s only.",
        "ASVS 16.5.2",
        "faults/test_lost_connections.py::test_restarts_of_postgres_under_load_lose_nothing",
    ),
    "M10": case(
        "No jump of the clock revives a code, lengthens trust or locks out for good.",
        "ASVS 6.5.8",
        "faults/test_clock.py::test_nothing_outlives_its_time_or_returns_by_a_jump",
        "faults/test_clock.py::test_a_jump_keeps_nobody_out",
    ),
}

LATER = {
    "F08": "administrators' pages; resets by the command line are in `admin/test_account_commands.py`",
    "I01": "the gate",
    "I04": "the gate",
    "I06": "the gate",
    "J01": "OpenID Connect",
    "J02": "OpenID Connect",
    "J03": "OpenID Connect",
    "J04": "OpenID Connect",
    "J06": "OpenID Connect",
    "J09": "OpenID Connect",
    "L03": "scanners are not at hand; `attacks/test_browser_rules.py` and `attacks/test_raw_bytes.py` stand in",
    "L05": "a soak of eight hours fits no run of the tests",
    "M13": "backup and restore",
    "M15": "needs a newer SQLite beside the old one",
}
