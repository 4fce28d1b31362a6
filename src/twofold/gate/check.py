"""The check: whether a request to an application may pass. Proxies ask it before each request.

Raw ASGI functions in front of the router. A request that passes costs one indexed read, and nothing is written or
cached: whatever ends a session or changes an account counts at the next request.
"""

import logging
from functools import lru_cache, partial
from ipaddress import ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

from twofold.base.languages import Languages
from twofold.base.problems import Unavailable
from twofold.base.sightings import Sightings
from twofold.base.site import Site
from twofold.base.texts import _
from twofold.base.unit_of_work import Caller, Runner
from twofold.base.visitor import Visitor
from twofold.base.web.peers import caller_of, client_of, is_trusted, peer_of
from twofold.base.web.refusals import unexpected_error
from twofold.base.web.routes import Endpoint
from twofold.config import Network
from twofold.gate import answers, arrivals
from twofold.gate.actions import visitor_behind
from twofold.gate.answers import Answer, Header, Link
from twofold.gate.arrivals import RESERVED
from twofold.gate.cookies import ApplicationCookies, read_gate_cookie
from twofold.gate.demands import demand_of, is_met
from twofold.gate.probe.notes import is_marked, take_note
from twofold.gate.questions import ENVOY_PATH, Dialect, InvalidQuestion, Question, read_question
from twofold.gate.rules import Decision, Require, Rule, Rules
from twofold.gate.sightings import REMEDIES, UNTRUSTED_PROXY

_log = logging.getLogger("twofold")
_LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))  # trusted to try it on one machine


class Check:
    """Answers the questions of proxies in one dialect."""

    def __init__(self, site: Site, dialect: Dialect) -> None:
        self._site = site
        self._dialect = dialect
        self._rules = site.part(Rules)
        self._languages = site.part(Languages)
        self._trusted = (*site.config.trusted_proxies, *(_LOOPBACK if site.config.loopback else ()))
        # Each remembers what depends on its argument alone; what is not asked for any more gives way.
        self._is_trusted = lru_cache(maxsize=1024)(partial(is_trusted, networks=self._trusted))
        self._cookies_of = lru_cache(maxsize=1024)(partial(ApplicationCookies, site.config))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer a proxy. If anything goes wrong, the request is refused."""
        peer = peer_of(scope)
        client, forwarding = client_of(peer, scope["headers"], self._is_trusted)
        try:
            if self._languages.are_several:
                with self._languages.speaking(self._caller(scope).locale):
                    answer = await self._answer(scope, peer, client, forwarding)
            else:
                answer = await self._answer(scope, peer, client, forwarding)
        except Unavailable as problem:
            answer = answers.fail(problem)
        except Exception:  # noqa: BLE001 - the operator finds the cause in the log
            answer = answers.fail(unexpected_error(scope["path"]))
        headers = [*answer.headers, *_repeated(scope, answer), (b"content-length", b"%d" % len(answer.body))]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})

    async def _answer(self, scope: Scope, peer: str, client: str, forwarding: str | None) -> Answer:
        if not self._is_trusted(peer):
            return await self._noted(scope, client, self._refuse_proxy(UNTRUSTED_PROXY, peer))
        if forwarding:
            self._record(forwarding, peer)
        try:
            question = read_question(self._dialect, scope, client)
        except InvalidQuestion as fault:
            _log.info("gate refused: %s", fault, extra={"peer": peer})
            return await self._noted(scope, client, self._refuse_proxy(fault.sighting, peer))
        answer = await self._answer_question(question, scope)
        return await self._noted(scope, client, answer) if is_marked(question) else answer

    async def _answer_question(self, question: Question, scope: Scope) -> Answer:
        decision = self._rules.decide(question.asked)
        if decision.rule is None and not self._rules.covers(question.origin):
            return self._forbid(question, decision)
        cookies = self._cookies_of(question.origin)
        if question.target.startswith(RESERVED):
            runner = Runner(self._site, self._caller(scope))
            return await arrivals.answer(runner, self._dialect, question, cookies, scope)
        return await self._decide(question, decision, cookies, scope)

    async def _decide(
        self, question: Question, decision: Decision, cookies: ApplicationCookies, scope: Scope
    ) -> Answer:
        rule = decision.rule
        if rule is None or decision.is_refused:
            return self._forbid(question, decision)
        gate_id = read_gate_cookie(self._site.keys, cookies.read_gate(scope["headers"]), question.origin)
        if rule.require is Require.OPEN:
            return answers.admit(rule, answers.identity(rule, await self._visitor_if_possible(gate_id)))
        visitor = await visitor_behind(self._site, gate_id, is_use=True) if gate_id else None
        if visitor is None:
            return arrivals.ask_to_sign_in(self._site, self._dialect, question, cookies, scope)
        identity = answers.identity(rule, visitor)
        if not rule.admits(visitor.username, visitor.groups) or not identity["user"]:
            return self._refuse_visitor(question, rule, visitor)
        now = self._site.clock()
        if not is_met(rule, visitor, now):
            return arrivals.ask_for_more(self._site, self._dialect, question, cookies, scope, demand_of(rule, now))
        return answers.admit(rule, identity)

    async def _visitor_if_possible(self, gate_id: bytes | None) -> Visitor | None:
        """Return who asks for something open to everyone, or None; a failure of the database changes nothing."""
        if gate_id is None:
            return None
        try:
            return await visitor_behind(self._site, gate_id, is_use=False)
        except Unavailable:
            return None

    async def _noted(self, scope: Scope, client: str, answer: Answer) -> Answer:
        """Take a note for `twofold gate probe` if the question is about one of its requests."""
        await take_note(self._site, self._dialect, scope, self._trusted, client, answer.status)
        return answer

    def _refuse_proxy(self, name: str, detail: str) -> Answer:
        self._record(name, detail)
        text = f"The peer {detail} {REMEDIES[name]}."
        return answers.problem(answers.FORBIDDEN, {"code": "not_allowed", "title": name, "detail": text})

    def _caller(self, scope: Scope) -> Caller:
        return caller_of(scope, self._trusted, self._languages)

    def _record(self, name: str, detail: str) -> None:
        self._site.part(Sightings).record(name, detail, self._site.clock())

    def _forbid(self, question: Question, decision: Decision) -> Answer:
        """Refuse what no rule permits; the operator finds the reason by `twofold gate test`."""
        _log.info("gate refused: %s", decision.reason, extra={"host": question.origin.authority})
        return answers.forbid(
            self._site,
            question,
            _("This is closed"),
            _("No rule lets anyone open this address. If you expected to get in, tell your administrator."),
        )

    def _refuse_visitor(self, question: Question, rule: Rule, visitor: Visitor) -> Answer:
        _log.info("gate refused: %s is not for this account", rule.name, extra={"host": question.origin.authority})
        return answers.forbid(
            self._site,
            question,
            _("You may not open this"),
            _("You are signed in as {email}. This account is not allowed here.").format(email=visitor.email),
            links=[Link(_("Use another account"), f"{self._site.config.base_url}/gate/sign-out?rd={question.origin}/")],
        )


def _repeated(scope: Scope, answer: Answer) -> list[Header]:
    """Return the `Authorization` of an admitted request if the proxy, which is Traefik, can only copy it from here."""
    if answer.status != answers.OK or scope["query_string"] != b"authorization=repeat":
        return []
    return [(name, value) for name, value in scope["headers"] if name == b"authorization"]


def _endpoint(dialect: Dialect, path: str, *, below: bool = False) -> Endpoint:
    def make(site: Site) -> ASGIApp:
        return Check(site, dialect)

    return Endpoint(method="*", path=path, raw=make, below=below)


ENDPOINTS = (
    _endpoint(Dialect.NGINX, "/gate/nginx"),
    _endpoint(Dialect.FORWARD, "/gate/forward"),
    _endpoint(Dialect.ENVOY, ENVOY_PATH, below=True),
)
