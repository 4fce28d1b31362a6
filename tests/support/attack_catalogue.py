"""The attacks and faults that Twofold must withstand: each with its promise, the failure of another product or
the rule of a standard behind it, and its tests. Those without tests are under `LATER`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One attack; `tests` are `file::function` below `tests/`."""

    promise: str
    mirrors: str
    tests: tuple[str, ...]


def case(promise: str, mirrors: str, *tests: str) -> Case:
    """Return one attack."""
    return Case(promise, mirrors, tests)


_CODES, _ACCESS, _LIMITS = "factors/test_codes.py", "contract/test_access.py", "contract/test_limits.py"
_RACES, _BROWSER, _SECRETS = "contract/test_races.py", "attacks/test_browser_rules.py", "attacks/test_secrets.py"
_SIGN_IN, _ENDS, _TRUSTED = "signin/test_sign_in.py", "contract/test_what_ends_what.py", "computers/test_trusted.py"
_ENROL, _TIMING, _COSTLY = "factors/test_enrolment.py", "attacks/test_timing.py", "attacks/test_costly_work.py"
_OUTAGES, _KILLS, _START = "faults/test_database_outages.py", "faults/test_kills.py", "faults/test_start.py"
_DOORS, _QUESTIONS, _GATE = "doors/test_doors.py", "gate/test_questions.py", "gate/test_attacks.py"
_PHONES, _SPENDING, _FORGOTTEN = "factors/test_phones.py", "factors/test_spending.py", "password/test_forgotten.py"

CASES = {
    "A01": case(
        "A code is accepted once.",
        "Gitea CVE-2021-45331; Vault CVE-2025-6014; RFC 6238 5.2",
        f"{_CODES}::test_code_is_refused_after_it_was_used",
        f"{_CODES}::test_code_used_at_sign_in_does_not_unlock",
    ),
    "A02": case(
        "Of fifty simultaneous uses of a code, one succeeds.",
        "Gitea CVE-2026-20779",
        f"{_RACES}::test_one_of_many_simultaneous_uses_succeeds",
        "mutants/test_mutants.py::test_mutant_is_caught",
    ),
    "A04": case(
        "A used code is refused in every spelling.",
        "OpenBao CVE-2025-55003; Vault CVE-2025-6015",
        "contract/test_bad_input.py::test_code_is_accepted_in_every_usual_spelling",
        "contract/test_bad_input.py::test_code_that_is_not_six_digits_is_refused_without_counting",
        "factors/test_rules.py::test_any_text_is_six_plain_digits_or_refused",
    ),
    "A06": case(
        "A code is valid in its own time step and in the ones before and after it.",
        "Microsoft AuthQuake; RFC 6238 5.2",
        f"{_CODES}::test_code_is_accepted_one_step_early_or_late",
        "factors/totp/test_rules.py::test_window_moves_with_the_step",
    ),
    "A09": case(
        "A code that was sent is accepted once.",
        "SP 800-63B 3.1.3.2",
        f"{_PHONES}::test_sent_code_signs_in_once",
        f"{_RACES}::test_one_of_many_simultaneous_uses_succeeds",
    ),
    "B01": case(
        "Wrong codes are limited by minutes, hours and days, over all sign-ins.",
        "ZITADEL CVE-2024-32868; RFC 4226 7.3",
        f"{_LIMITS}::test_wrong_codes_are_limited_by_minutes_hours_and_days",
        f"{_LIMITS}::test_limit_on_codes_applies_again_after_its_window",
        f"{_LIMITS}::test_no_code_is_accepted_after_too_many_wrong_ones_in_a_row",
    ),
    "B02": case(
        "No more codes are compared at once than the limit allows.",
        "ZITADEL CVE-2023-47111",
        f"{_RACES}::test_simultaneous_codes_are_compared_up_to_the_limit",
        "mutants/test_mutants.py::test_mutant_is_caught",
    ),
    "B04": case(
        "A right password does not clear wrong codes.",
        "Cwork GHSA-3cgw-73cr-r8c6",
        f"{_LIMITS}::test_right_password_does_not_clear_wrong_codes",
    ),
    "B05": case(
        "All methods and entry points share one count.",
        "privacyIDEA 4740; SP 800-63B 3.1.3.2",
        f"{_LIMITS}::test_sign_in_and_unlock_share_one_count_of_wrong_codes",
        f"{_PHONES}::test_all_methods_share_one_count",
        f"{_PHONES}::test_new_code_replaces_the_old_and_keeps_failures",
    ),
    "B08": case(
        "Clients cannot choose the address that is counted.",
        "django-allauth 65.14.2; Keycloak CVE-2026-96445",
        f"{_LIMITS}::test_forwarding_header_of_an_untrusted_peer_is_ignored",
        f"{_LIMITS}::test_nearest_untrusted_hop_is_the_client",
    ),
    "B09": case(
        "An IPv6 network counts as one source.",
        "Nextcloud CVE-2021-22915",
        f"{_LIMITS}::test_ipv6_network_counts_as_one_client",
    ),
    "B11": case(
        "Strangers cannot lock the owner out.",
        "Keycloak discussion of January 2026; ASVS 6.1.1",
        f"{_LIMITS}::test_unknown_clients_cannot_lock_out_a_known_browser",
        f"{_LIMITS}::test_wait_doubles_with_each_wrong_password",
        f"{_COSTLY}::test_attempt_that_stops_waiting_is_not_counted",
    ),
    "C01": case(
        "A half-open sign-in allows nothing but its next step.",
        "ZITADEL CVE-2025-64103; Kratos 3671",
        f"{_ACCESS}::test_half_open_sign_in_opens_no_other_route",
        f"{_ACCESS}::test_half_open_sign_in_shows_nothing_from_the_account",
    ),
    "C02": case(
        "Setting a password by a link neither signs in nor turns 2FA off.",
        "Lemmy 3714; GitLab 31308",
        "journeys/test_links.py::test_reset_link_changes_the_password_and_keeps_2fa_on",
        f"{_ENDS}::test_act_ends_what_its_row_says",
    ),
    "C03": case(
        "Every way to sign in requires the second factor.",
        "pgAdmin CVE-2026-7820; Casdoor CVE-2026-9091; django-mfa3 PYSEC-2022-192",
        f"{_ACCESS}::test_routes_that_need_a_session_refuse_anonymous_requests",
        f"{_ACCESS}::test_invalid_session_token_is_anonymous",
        "signin/test_rules.py::test_no_sequence_of_four_steps_grants_more_than_was_proven",
    ),
    "C06": case(
        "Every step issues a new token, and tokens set by an attacker are not adopted.",
        "ZITADEL CVE-2024-28197; ASVS 7.2.4",
        f"{_BROWSER}::test_planted_cookies_are_replaced",
        f"{_BROWSER}::test_every_step_issues_a_new_token_and_ends_the_old",
    ),
    "C08": case(
        "A half-open sign-in ends after five minutes or five wrong codes, also in several tabs.",
        "Warehouse's 300 s",
        f"{_SIGN_IN}::test_half_open_sign_in_expires_after_five_minutes",
        f"{_LIMITS}::test_five_wrong_codes_end_a_sign_in",
        f"{_SIGN_IN}::test_concurrent_sign_ins_are_independent",
    ),
    "D01": case(
        "Trust lasts thirty days from the proof.",
        "the article",
        f"{_TRUSTED}::test_trust_ends_thirty_days_after_the_code_even_if_used",
    ),
    "D02": case(
        "Users who share a browser have separate trust.",
        "django-two-factor-auth pull 263",
        f"{_BROWSER}::test_two_users_trust_one_browser_independently",
    ),
    "D03": case(
        "Every change of credentials ends trust.",
        "Vaultwarden pull 7682; scheb 126; better-auth pull 7644",
        f"{_ENDS}::test_act_ends_what_its_row_says",
        f"{_ENDS}::test_account_that_is_disabled_and_enabled_regains_no_trust",
    ),
    "D06": case(
        "Trust that ended with a change of policy does not return with another.",
        "ASVS 8.3.2",
        f"{_ENDS}::test_computer_is_not_trusted_again_when_its_policy_returns",
    ),
    "D08": case(
        "Computers are listed by safe names and can be forgotten one by one.",
        "ASVS 7.5.2",
        f"{_TRUSTED}::test_forgetting_one_computer_leaves_the_other_trusted",
        f"{_TRUSTED}::test_computer_name_never_quotes_the_user_agent",
    ),
    "E01": case(
        "No route changes locked settings.",
        "Nextcloud GHSA-j4qm-5q5x-54m5; ASVS 7.5.1",
        f"{_ACCESS}::test_routes_that_change_settings_refuse_a_locked_session",
        f"{_ACCESS}::test_changing_routes_of_the_contract_need_an_unlocked_session",
    ),
    "E02": case(
        "Unlocking expires, and applies to one session.",
        "Kratos network 237",
        "model/test_reference_model.py::test_random_sequences_match_the_model_on_sqlite",
        "mutants/test_mutants.py::test_mutant_is_caught",
    ),
    "E03": case(
        "2FA is off until a code has confirmed it.",
        "CVE-2022-36071",
        "contract/test_when_2fa_is_on.py::test_unfinished_enrolment_changes_nothing",
        f"{_CODES}::test_code_of_an_unverified_app_is_refused",
    ),
    "E05": case(
        "Adding or replacing a factor needs the old one.",
        "wagtail-2fa GHSA-89px-ww3j-g2mm; parse-server 9623",
        f"{_ACCESS}::test_changing_routes_of_the_contract_need_an_unlocked_session",
        f"{_CODES}::test_unlock_explains_the_same_codes_as_sign_in",
        f"{_ENROL}::test_replaced_app_works_until_the_new_one_is_verified",
    ),
    "E06": case(
        "Data of other users cannot be seen or changed.",
        "wagtail-2fa GHSA-9gjv-6qq6-v7qm; ASVS 8.2.2",
        f"{_BROWSER}::test_calls_with_ids_of_another_user_are_not_found",
        f"{_BROWSER}::test_pages_with_ids_of_another_user_are_not_found",
    ),
    "E07": case(
        "Turning 2FA on ends all other sessions.",
        "OpenProject CVE-2023-31140; GitLab 31307",
        f"{_ENDS}::test_act_ends_what_its_row_says",
    ),
    "E09": case(
        "Every QR code is a valid key URI with its own secret that any compliant app can use.",
        "RFC 4226; WCAG 1.1.1",
        "interop/test_qr.py::test_zbar_reads_every_qr_code",
        f"{_BROWSER}::test_every_enrolment_has_its_own_secret",
    ),
    "F01": case(
        "The recovery code is shown once, works once and is replaced.",
        "SP 800-63B 4.2.1.1",
        "journeys/test_article.py::test_recovery_code_is_not_shown_again_after_a_reload",
        f"{_SECRETS}::test_no_secret_is_shown_again",
        f"{_RACES}::test_one_of_many_simultaneous_uses_succeeds",
    ),
    "F04": case(
        "Older recovery codes stay invalid.",
        "CVE-2022-36071",
        f"{_SIGN_IN}::test_older_recovery_codes_are_rejected",
    ),
    "F05": case(
        "Links show the configured address only.",
        "ZITADEL CVE-2023-49097",
        f"{_BROWSER}::test_printed_links_use_the_configured_address",
        f"{_BROWSER}::test_request_headers_do_not_change_links",
        f"{_FORGOTTEN}::test_reset_link_ignores_the_host_header",
        f"{_FORGOTTEN}::test_reset_link_ignores_an_absolute_request_target",
    ),
    "F07": case(
        "A reset link works once, for an hour, and only while it is the newest; opening it does not consume it.",
        "Apache Answer CVE-2024-41890; Discourse CVE-2021-37693",
        f"{_FORGOTTEN}::test_reset_link_is_consumed_by_use_and_not_by_viewing",
        f"{_FORGOTTEN}::test_reset_link_expires_after_an_hour",
        f"{_FORGOTTEN}::test_newer_mailed_link_replaces_the_older_one",
        f"{_FORGOTTEN}::test_reset_link_ends_when_credentials_change",
        f"{_RACES}::test_one_of_many_simultaneous_uses_succeeds",
    ),
    "F11": case(
        "One administrator remains, however many close their accounts at once.",
        "ASVS 6.3.4",
        "deletion/test_deletion.py::test_last_owner_cannot_delete_their_account",
        "deletion/test_deletion.py::test_two_owners_deleting_at_once_leave_one",
    ),
    "G01": case(
        "A sent code is valid for five minutes, and only for its purpose.",
        "ASVS 6.6.2",
        f"{_PHONES}::test_code_is_refused_after_five_minutes_or_in_another_sign_in",
        f"{_PHONES}::test_sent_code_unlocks_its_own_session",
    ),
    "G02": case(
        "A new code replaces the old, waits grow, counts remain, and no response reveals number or code.",
        "SP 800-63B 3.1.3.2; ASVS 14.2.6",
        f"{_PHONES}::test_new_code_replaces_the_old_and_keeps_failures",
        f"{_PHONES}::test_no_answer_contains_number_or_code",
        "factors/test_spending_rules.py::test_waits_begin_at_thirty_seconds_and_double_to_ten_minutes",
    ),
    "G03": case(
        "Caps on messages hold for every spelling of a number, account and source.",
        "pumping, as Twilio and Telnyx describe it",
        f"{_SPENDING}::test_number_gets_five_codes_an_hour_in_every_spelling",
        f"{_SPENDING}::test_two_hundred_requests_at_once_get_exactly_the_cap",
        f"{_SPENDING}::test_prefix_with_unused_codes_closes_for_twelve_hours",
        "factors/test_caps.py::test_gateway_gets_no_more_than_the_cap_of_a_thousand_requests",
        f"{_SPENDING}::test_country_that_is_no_longer_served_gets_no_codes",
    ),
    "G04": case(
        "A number must be verified, and changing it needs fresh proof and notifies the old one.",
        "SP 800-63B 3.1.3.3",
        f"{_PHONES}::test_number_is_verified_by_its_code",
        f"{_PHONES}::test_changing_a_number_needs_unlocked_settings",
        f"{_PHONES}::test_removed_number_gets_a_notice",
    ),
    "G06": case(
        "Codes are sent only to verified methods of the user.",
        "ASVS 6.3.4",
        f"{_PHONES}::test_codes_are_sent_only_to_own_verified_phones",
    ),
    "H01": case(
        "Known and unknown addresses get the same answer.",
        "Grafana CVE-2022-39307; ASVS 6.3.8",
        f"{_TIMING}::test_refused_sign_in_gets_the_same_answer_for_every_address",
        f"{_TIMING}::test_reached_limit_gets_the_same_answer_for_every_address",
        "signup/test_by_mail.py::test_known_email_gets_the_same_response_and_its_owner_a_mail",
        f"{_FORGOTTEN}::test_reset_mails_are_limited_by_email_with_the_same_response",
    ),
    "H02": case(
        "Known and unknown addresses take the same time.",
        "Vault CVE-2025-6011; Django CVE-2024-39329",
        f"{_TIMING}::test_time_does_not_reveal_known_addresses",
        f"{_TIMING}::test_statistic_detects_a_small_difference",
    ),
    "H04": case(
        "No return address leads to another site.",
        "Flask-Security PYSEC-2021-123, CVE-2023-49438",
        f"{_BROWSER}::test_return_address_never_leads_to_another_site",
    ),
    "H05": case(
        "Pages of other sites cannot act for a user.",
        "ASVS 3.5.1",
        f"{_ACCESS}::test_forms_of_other_sites_are_refused",
        f"{_BROWSER}::test_changing_request_from_another_site_is_refused",
        f"{_BROWSER}::test_get_and_head_change_nothing",
    ),
    "H06": case(
        "Every response has security headers, and cookies are bound to the host.",
        "ASVS 3.3, 3.4",
        f"{_BROWSER}::test_every_route_has_security_headers",
        f"{_BROWSER}::test_cookies_over_https_are_bound_to_the_host",
    ),
    "H07": case(
        "Hostile names are refused or harmless.",
        "ASVS 1.2.10, 16.4.1",
        f"{_BROWSER}::test_hostile_name_is_refused_or_shown_as_text",
        "notices/test_notices.py::test_hostile_factor_name_is_harmless_text_in_a_notice",
        "couriers/test_smtp.py::test_mail_with_a_line_break_in_a_header_is_refused",
    ),
    "H08": case(
        "The article can be followed by keyboard, without script and on a small screen.",
        "WCAG 3.3.8, 2.2.1",
        "journeys/test_keyboard.py::test_sign_in_works_with_the_keyboard_alone",
        "journeys/test_article.py::test_documented_steps_lead_to_signing_in_with_a_code",
        "journeys/test_every_page.py::test_settings_pages_of_a_full_account_are_accessible",
    ),
    "I01": case(
        "Without a session nothing passes, and no client can choose the identity that an application sees.",
        "CVE-2026-25119; CVE-2025-54576",
        f"{_DOORS}::test_navigation_without_a_session_is_sent_to_sign_in",
        f"{_DOORS}::test_programs_get_a_problem_and_no_redirect",
        f"{_DOORS}::test_forged_identity_never_reaches_the_application",
        f"{_GATE}::test_no_request_opens_a_protected_path_for_nobody",
        f"{_GATE}::test_advisory_about_another_gate_is_none_about_this_one",
    ),
    "I04": case(
        "Only configured proxies may ask, and none are configured by default.",
        "CVE-2026-76835",
        f"{_QUESTIONS}::test_only_a_configured_proxy_is_answered",
        f"{_QUESTIONS}::test_client_is_the_rightmost_address_that_is_no_proxy",
        f"{_DOORS}::test_forged_question_opens_nothing",
    ),
    "I06": case(
        "A rule for two factors demands them of every method and program, and leads people to the step-up.",
        "CVE-2026-34457",
        "gate/test_levels.py::test_level_is_demanded_of_every_method_and_agent",
        "gate/test_levels.py::test_second_factor_is_asked_for_there_and_back",
        "journeys/gate/test_ways.py::test_step_up_leads_there_and_back",
    ),
    "K01": case(
        "Secrets appear only where they are needed.",
        "standard_id 0.26.2; CodeIgniter Shield GHSA-j72f-h752-mx4w; ASVS 16.2.5",
        f"{_SECRETS}::test_output_contains_no_secret",
        f"{_SECRETS}::test_files_contain_no_secret",
        f"{_SECRETS}::test_process_table_contains_no_secret",
    ),
    "K02": case(
        "A stolen database reveals no secret, and swapped seeds are refused.",
        "RFC 6238 5.1",
        f"{_SECRETS}::test_files_contain_no_secret",
        f"{_SECRETS}::test_swapped_seeds_are_refused",
    ),
    "K03": case(
        "Every change and every refused proof is one event, and users see only their own.",
        "ASVS 16.3.1, 16.4.2",
        "audit/test_events.py::test_every_event_kind_is_recorded_by_some_action",
        "audit/test_events.py::test_history_contains_only_events_of_the_account",
        "audit/test_events.py::test_history_has_no_call_or_form_that_changes_it",
    ),
    "K06": case(
        "No key is created over existing data.",
        "Kanidm; ASVS 13.4.2",
        f"{_START}::test_missing_key_file_is_not_created_over_existing_data",
        f"{_START}::test_unusable_key_file_is_explained_and_never_replaced",
    ),
    "L01": case(
        "No request causes a 500.",
        "ASVS 16.5.4",
        "attacks/test_fuzz.py::test_generated_requests_get_described_answers",
    ),
    "L04": case(
        "The cost of hashing passwords is bounded.",
        "OWASP; subarr 292",
        f"{_COSTLY}::test_flood_of_sign_ins_is_refused_in_bounded_memory",
        f"{_COSTLY}::test_long_password_is_refused_before_it_is_hashed",
        "attacks/test_sign_in_floods.py::test_source_over_its_limit_does_not_block_sign_ins",
        "attacks/test_refusals_cost_nothing.py::test_refused_request_changes_no_table",
        "nodes/test_worker_turns.py::test_workers_share_one_limit_of_concurrent_password_hashes",
    ),
    "M01": case(
        "kill -9 loses no acknowledged write on SQLite.",
        "SQLite",
        f"{_KILLS}::test_acknowledged_writes_survive_killing_the_service_on_sqlite",
    ),
    "M02": case(
        "kill -9 of the service or of PostgreSQL loses no acknowledged write.",
        "PostgreSQL",
        f"{_KILLS}::test_acknowledged_writes_survive_killing_the_service_on_postgres",
        f"{_KILLS}::test_acknowledged_writes_survive_killing_postgres",
    ),
    "M05": case(
        "On a full disk, every write is refused, and service resumes with free space.",
        "ASVS 16.5.3",
        f"{_OUTAGES}::test_full_disk_refuses_every_write_and_recovers",
        f"{_OUTAGES}::test_writes_acknowledged_while_the_disk_fills_are_kept",
    ),
    "M06": case(
        "While the database is locked, unresponsive or read-only, every write is refused.",
        "ASVS 16.5.3",
        f"{_OUTAGES}::test_sqlite_locked_by_another_process_refuses_every_request_in_time",
        f"{_OUTAGES}::test_read_only_sqlite_file_refuses_every_write",
        f"{_OUTAGES}::test_read_only_postgres_refuses_every_write",
        f"{_OUTAGES}::test_unresponsive_postgres_refuses_every_request_in_time",
    ),
    "M07": case(
        "A database restart under load causes only 503s.",
        "ASVS 16.5.2",
        "faults/test_lost_connections.py::test_restarting_postgres_under_load_loses_no_acknowledged_write",
    ),
    "M10": case(
        "No clock jump makes a code valid again, extends trust or locks users out permanently.",
        "ASVS 6.5.8",
        "faults/test_clock.py::test_clock_jumps_neither_extend_nor_revive_sessions_trust_links_or_codes",
        "faults/test_clock.py::test_owner_can_sign_in_after_a_clock_jump",
    ),
}

LATER = {
    "F08": "administrators' pages; resets by the command line are in `admin/test_account_commands.py`",
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
