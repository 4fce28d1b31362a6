"""Every way to perform the acts of the table of what ends what: by the API, the pages and the command line."""

from urllib.parse import urlsplit

from tests.support.authenticator import Authenticator
from tests.support.clients import PASSWORD, Answer
from tests.support.forms import FormBrowser
from tests.support.full_account import Act, FullAccount, Way
from tests.support.mailbox import link_in, wait_for_mail
from tests.support.openapi import CheckedApi
from tests.support.phones import Phone
from twofold.accounts.consequences import Change

NEW_PASSWORD = "lantern-meadow-cobalt-17"


def code_of(answer: Answer) -> str:
    """Return the recovery code in a response."""
    return str(answer["recovery_code"])


def add_through_api(user: FullAccount) -> None:
    """Add an authenticator."""
    user.person.enable_totp(name="Third phone")


def add_through_pages(user: FullAccount) -> None:
    """Add an authenticator."""
    begun = user.pages.submit("/settings", "/settings/factors", name="Third phone").expect(303)
    verify_on(user, begun.location)


def replace_through_api(user: FullAccount) -> None:
    """Replace the first authenticator."""
    user.person.enable_totp(replaces=user.first)


def replace_through_pages(user: FullAccount) -> None:
    """Replace the first authenticator."""
    begun = user.pages.post("/settings/factors", {"kind": "totp", "replaces": user.first}).expect(303)
    verify_on(user, begun.location)


def verify_on(user: FullAccount, page: str) -> None:
    """Read the key on an enrolment page and verify it with the first code."""
    browser, path = user.pages, urlsplit(page).path
    key = browser.get(path).expect(200).html.partition("secret=")[2][:32]
    user.person.authenticator = Authenticator(key, user.service.clock)
    browser.submit(path, f"{path}/verify", code=user.person.code()).goes_to("/settings")


def bind_through_api(user: FullAccount) -> str:
    """Add a phone number."""
    phone = Phone(user.service.url)
    begun = user.api.begin_phone("sms", phone.number).expect(201)["id"]
    return code_of(user.api.verify(begun, phone.code()).expect(200))


def bind_through_pages(user: FullAccount) -> str:
    """Replace the first authenticator with a phone number."""
    phone, number_page = Phone(user.service.url), f"/settings/factors/new?kind=voice&replaces={user.first}"
    code_page = user.pages.submit(number_page, "/settings/factors/new", phone=phone.number).expect(303).location
    return user.pages.submit(code_page, f"{code_page}/verify", code=phone.code()).expect(200).recovery_code


def reset_through_api(user: FullAccount) -> None:
    """Reset the password with a link from an administrator."""
    token = user.command("reset-password").rpartition("/")[2]
    body = {"token": token, "new_password": NEW_PASSWORD}
    user.person.another_browser().call("POST", "/password-reset/complete", body).expect(204)
    user.person.password = NEW_PASSWORD


def reset_through_pages(user: FullAccount) -> None:
    """Reset the password with a link from an administrator."""
    path = urlsplit(user.command("reset-password")).path
    FormBrowser(user.service.url).submit(path, path, new_password=NEW_PASSWORD).expect(200)
    user.person.password = NEW_PASSWORD


def change_through_api(user: FullAccount) -> None:
    """Change the password."""
    user.api.change_password(NEW_PASSWORD).expect(204)
    user.person.password = NEW_PASSWORD


def change_through_pages(user: FullAccount) -> None:
    """Change the password."""
    user.submit_setting("/settings/password", current_password=PASSWORD, new_password=NEW_PASSWORD)
    user.person.password = NEW_PASSWORD


def change_email_through_api(user: FullAccount) -> None:
    """Change the email address with the link mailed to the new one."""
    user.api.call("PUT", "/account/email", {"email": f"new-{user.person.email}"}).expect(202)
    token = email_link(user).rpartition("/")[2]
    user.api.call("POST", "/account/email/complete", {"token": token}).expect(204)
    user.person.email = f"new-{user.person.email}"


def change_email_through_pages(user: FullAccount) -> None:
    """Change the email address with the link mailed to the new one."""
    user.submit_setting("/settings/email", email=f"new-{user.person.email}")
    path = email_link(user)
    user.pages.submit(path, path).goes_to("/settings")
    user.person.email = f"new-{user.person.email}"


def email_link(user: FullAccount) -> str:
    """Return the path of the link mailed to the new address."""
    return link_in(wait_for_mail(user.service, f"new-{user.person.email}", "Confirm your new email"), "/change-email/")


def use_code_to_unlock_through_api(user: FullAccount) -> str:
    """Unlock settings with the recovery code."""
    return code_of(user.api.unlock(recovery_code=user.old_recovery_code).expect(200))


def use_code_to_unlock_through_pages(user: FullAccount) -> str:
    """Unlock settings with the recovery code."""
    browser = user.pages
    fields = {"password": PASSWORD, "recovery_code": user.old_recovery_code}
    shown = browser.submit("/authenticate?with=recovery_code", "/authenticate", **fields).expect(200)
    user.api.token = browser.cookies["twofold_session"]
    return shown.recovery_code


def use_code_to_sign_in_through_api(user: FullAccount) -> str:
    """Sign in with the recovery code, in the browser that is `own` from then on."""
    answer = user.person.half_open(user.api).give_recovery_code(user.old_recovery_code).expect(200)
    return code_of(answer)


def use_code_to_sign_in_through_pages(user: FullAccount) -> str:
    """Sign in with the recovery code, in the browser that is `own` from then on."""
    browser = FormBrowser(user.service.url)
    browser.sign_in(user.person.email, PASSWORD).goes_to("/sign-in/code")
    path = "/sign-in/recovery-code"
    shown = browser.submit(path, path, recovery_code=user.old_recovery_code).expect(200)
    user.api.token = browser.cookies["twofold_session"]
    return shown.recovery_code


def rename_through_api(user: FullAccount) -> None:
    """Rename an authenticator and a computer."""
    user.api.call("PATCH", f"/factors/{user.first}", {"name": "Old phone"}).expect(200)
    (computer,) = user.api.trusted_computers()["items"]
    user.api.call("PATCH", f"/trusted-computers/{computer['id']}", {"name": "Desk"}).expect(200)


def rename_through_pages(user: FullAccount) -> None:
    """Rename an authenticator and a computer."""
    user.submit_setting(f"/settings/factors/{user.first}/name", name="Old phone")
    (computer,) = user.api.trusted_computers()["items"]
    user.submit_setting(f"/settings/computers/{computer['id']}/name", name="Desk")


def command(name: str) -> Act:
    """Return an act that runs this command of `twofold account`."""

    def run(user: FullAccount) -> None:
        user.command(name)

    return run


def end_one_through_api(user: FullAccount) -> None:
    """End the session of the trusted computer."""
    user.api.call("DELETE", f"/sessions/{session_of(user.computer)}").expect(204)


def end_one_through_pages(user: FullAccount) -> None:
    """End the session of the trusted computer."""
    user.submit_setting(f"/settings/sessions/{session_of(user.computer)}/end")


def session_of(client: CheckedApi) -> str:
    """Return the id of a client's session."""
    (current,) = [each["id"] for each in client.sessions().expect(200)["items"] if each["current"]]
    return str(current)


def disable_and_enable(user: FullAccount) -> None:
    """Disable the account, and enable it again."""
    user.command("disable")
    user.command("enable")


def delete_through_pages(user: FullAccount) -> None:
    """Delete the account."""
    user.pages.submit("/settings/delete", "/settings/delete").expect(200)


def change_role(user: FullAccount) -> None:
    """Change the role of the user."""
    user.command("set", "--role", "help_desk")


def change_username(user: FullAccount) -> None:
    """Change the username of the user."""
    user.command("set", "--username", f"renamed-{user.person.email.partition('@')[0]}")


def join_a_group(user: FullAccount) -> None:
    """Add the user to a group."""
    for arguments in (["add", "staff"], ["join", "staff", user.person.email]):
        user.service.command("group", *arguments)


def remove_through_pages(user: FullAccount) -> None:
    """Remove the first authenticator."""
    path = f"/settings/factors/{user.first}/remove"
    user.pages.submit(path, path).goes_to("/settings")


WAYS = [
    Way(
        Change.TWO_FACTOR_ACTIVATED,
        "api",
        lambda user: code_of(user.api.set_policy("every_log_in").expect(200)),
        policy="disabled",
    ),
    Way(
        Change.TWO_FACTOR_ACTIVATED,
        "pages",
        lambda user: user.submit_setting("/settings/two-factor", policy="once_per_computer"),
        policy="disabled",
    ),
    Way(Change.TWO_FACTOR_DISABLED, "api", lambda user: user.api.set_policy("disabled").expect(200)),
    Way(
        Change.TWO_FACTOR_DISABLED, "pages", lambda user: user.submit_setting("/settings/two-factor", policy="disabled")
    ),
    Way(Change.FACTORS_CHANGED, "add, api", add_through_api),
    Way(Change.FACTORS_CHANGED, "add, pages", add_through_pages),
    Way(Change.FACTORS_CHANGED, "replace, api", replace_through_api),
    Way(Change.FACTORS_CHANGED, "replace, pages", replace_through_pages),
    Way(Change.FACTORS_CHANGED, "remove, api", lambda user: user.api.remove_factor(user.first).expect(204)),
    Way(Change.FACTORS_CHANGED, "remove, pages", remove_through_pages),
    Way(
        Change.FACTORS_CHANGED,
        "default, api",
        lambda user: user.api.set_policy("once_per_computer", default_factor_id=user.second).expect(200),
    ),
    Way(
        Change.FACTORS_CHANGED,
        "default, pages",
        lambda user: user.submit_setting(f"/settings/factors/{user.second}/default"),
    ),
    Way(Change.PHONE_BOUND, "api", bind_through_api),
    Way(Change.PHONE_BOUND, "pages", bind_through_pages),
    Way(Change.POLICY_CHANGED, "api", lambda user: user.api.set_policy("every_log_in").expect(200)),
    Way(
        Change.POLICY_CHANGED, "pages", lambda user: user.submit_setting("/settings/two-factor", policy="every_log_in")
    ),
    Way(Change.PASSWORD_CHANGED, "api", change_through_api),
    Way(Change.PASSWORD_CHANGED, "pages", change_through_pages, in_browser=True),
    Way(Change.PASSWORD_RESET, "api", reset_through_api),
    Way(Change.PASSWORD_RESET, "pages", reset_through_pages),
    Way(Change.ADDRESS_CHANGED, "api", change_email_through_api),
    Way(Change.ADDRESS_CHANGED, "pages", change_email_through_pages),
    Way(Change.RECOVERY_CODE_USED, "unlock, api", use_code_to_unlock_through_api),
    Way(Change.RECOVERY_CODE_USED, "unlock, pages", use_code_to_unlock_through_pages, in_browser=True),
    Way(Change.RECOVERY_CODE_USED, "sign in, api", use_code_to_sign_in_through_api, in_session=False),
    Way(Change.RECOVERY_CODE_USED, "sign in, pages", use_code_to_sign_in_through_pages, in_session=False),
    Way(Change.RECOVERY_CODE_RENEWED, "api", lambda user: code_of(user.api.renew_recovery_code().expect(201))),
    Way(Change.RECOVERY_CODE_RENEWED, "pages", lambda user: user.submit_setting("/settings/recovery-code")),
    Way(Change.SESSIONS_ENDED, "one, api", end_one_through_api, ends=("other",)),
    Way(Change.SESSIONS_ENDED, "one, pages", end_one_through_pages, ends=("other",)),
    Way(Change.SESSIONS_ENDED, "others, api", lambda user: user.api.end_other_sessions(), ends=("other", "gone")),
    Way(
        Change.SESSIONS_ENDED,
        "others, pages",
        lambda user: user.submit_setting("/settings/sessions/end-others"),
        ends=("other", "gone"),
    ),
    Way(Change.SESSIONS_ENDED, "sign out, api", lambda user: user.api.sign_out().expect(204), ends=("this",)),
    Way(
        Change.SESSIONS_ENDED, "sign out, pages", lambda user: user.pages.post("/sign-out").expect(303), ends=("this",)
    ),
    Way(Change.RESET_BY_ADMINISTRATOR, "command", command("reset-2fa")),
    Way(Change.DISABLED_BY_ADMINISTRATOR, "command", disable_and_enable),
    Way(Change.SIGNED_OUT_BY_ADMINISTRATOR, "command", command("sign-out")),
    Way(Change.RIGHTS_CHANGED, "role, command", change_role),
    Way(Change.RIGHTS_CHANGED, "username, command", change_username),
    Way(Change.RIGHTS_CHANGED, "group, command", join_a_group),
    Way(Change.DELETED, "api", lambda user: user.api.call("DELETE", "/account").expect(204)),
    Way(Change.DELETED, "pages", delete_through_pages),
    Way(Change.ENABLED, "command", command("enable")),
    Way(Change.RENAMED, "api", rename_through_api),
    Way(Change.RENAMED, "pages", rename_through_pages),
]
