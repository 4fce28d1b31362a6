"""The queue for hashes is fair to sources and accounts, is bounded by time, and loses no entry."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from twofold.base.turn_queue import MAX_WAIT, MAX_WAITING, Turn, TurnQueue

SOURCES, ACCOUNTS = st.sampled_from("ABCDE"), st.sampled_from("vwxyz")


def order(queue: TurnQueue) -> list[Turn]:
    """Start and finish all waiting entries, one after another."""
    turns = []
    while begun := queue.begin(0.0):
        turns += begun
        for turn in begun:
            queue.leave(turn, 0.01)
    return turns


def joined(queue: TurnQueue, network: str, account: str, *, known: bool = False) -> Turn:
    """Return a turn that waits."""
    turn = Turn(network, account, known=known)
    assert queue.join(turn) is None
    return turn


@given(st.lists(st.tuples(SOURCES, ACCOUNTS), max_size=60))
def test_source_waits_one_turn_of_each_other_source(arrivals: list[tuple[str, str]]) -> None:
    """A newcomer from a new source is next after one round, and all get their turns."""
    queue = TurnQueue(1)
    before = [joined(queue, source, account) for source, account in arrivals]
    newcomer = joined(queue, "new", "account")
    turns = order(queue)
    assert Counter(turns) == Counter([*before, newcomer])
    assert turns.index(newcomer) == len({source for source, _ in arrivals})


@given(st.lists(ACCOUNTS, max_size=60))
def test_account_waits_one_turn_of_each_other_account_of_its_source(arrivals: list[str]) -> None:
    """A flood of one account takes no place from another behind the same address."""
    queue = TurnQueue(1)
    before = [joined(queue, "office", account) for account in arrivals]
    newcomer = joined(queue, "office", "new")
    turns = order(queue)
    assert Counter(turns) == Counter([*before, newcomer])
    assert turns.index(newcomer) == len(set(arrivals))


def test_turns_of_one_account_follow_the_order_of_arrival() -> None:
    """Otherwise, the order is first come, first served."""
    queue = TurnQueue(2)
    before = [joined(queue, "one", "account") for _ in range(9)]
    assert order(queue) == before


def test_single_source_may_fill_the_queue() -> None:
    """A single source takes no place from another."""
    queue = TurnQueue(2)
    room = queue.capacity
    assert room > 200
    for number in range(room):
        joined(queue, "office", f"person {number}")
    newcomer = Turn("office", "one too many")
    assert queue.join(newcomer) is newcomer


def test_full_queue_drops_an_entry_of_the_longest_source_for_a_new_one() -> None:
    """The account with the most entries of the longest source loses its newest; other accounts of that source stay."""
    queue = TurnQueue(2)
    person = joined(queue, "flooded", "person")
    flood = [joined(queue, "flooded", "attacker") for _ in range(queue.capacity - 1)]
    victim = Turn("home", "victim")
    assert queue.join(victim) is flood[-1]
    neighbour = Turn("flooded", "neighbour")
    assert queue.join(neighbour) is flood[-2]
    assert order(queue)[:5] == [person, victim, flood[0], neighbour, flood[1]]


def test_newcomer_is_refused_when_all_sources_have_one_entry() -> None:
    """If every source has one place and none is left, the newcomer is refused."""
    queue = TurnQueue(2)
    for number in range(queue.capacity):
        joined(queue, f"source {number}", "account")
    newcomer = Turn("one too many", "account")
    assert queue.join(newcomer) is newcomer


@given(st.lists(st.tuples(SOURCES, ACCOUNTS, st.booleans()), max_size=60))
def test_network_has_two_turns_per_round(arrivals: list[tuple[str, str, bool]]) -> None:
    """One turn is for its unknown clients and one for its known browsers, of however many accounts."""
    queue = TurnQueue(1)
    for network, account, known in arrivals:
        joined(queue, network, account, known=known)
    newcomer = joined(queue, "new", "account", known=True)
    assert order(queue).index(newcomer) == len({(network, known) for network, _, known in arrivals})


def test_known_browsers_of_one_address_cannot_fill_the_queue() -> None:
    """If they fill the queue, one is dropped for each newcomer from elsewhere, but not for one of their own."""
    queue = TurnQueue(2)
    flood = [joined(queue, "attacker", f"own account {n}", known=True) for n in range(queue.capacity)]
    for newcomer, leaving in zip((Turn("home", "x"), Turn("office", "y", known=True)), reversed(flood), strict=False):
        assert queue.join(newcomer) is leaving
    another = Turn("attacker", "one more", known=True)
    assert queue.join(another) is another


def test_network_with_two_sources_is_dropped_before_one_with_one() -> None:
    """In a queue full of single entries, the network with two is dropped before the newcomer."""
    queue = TurnQueue(2, max_waiting=10)
    others = [joined(queue, f"home {number}", "x") for number in range(8)]
    stranger, _known = joined(queue, "attacker", "y"), joined(queue, "attacker", "z", known=True)
    newcomer = Turn("new", "account")
    assert queue.join(newcomer) is stranger
    assert {*others, newcomer} <= set(order(queue))


def test_known_browser_is_admitted_to_a_queue_filled_from_a_thousand_addresses() -> None:
    """Unknown clients are dropped for it, and a browser token used from all those addresses is dropped for them."""
    queue = TurnQueue(2)
    flood = [joined(queue, f"bot {number}", f"made up {number}") for number in range(queue.capacity)]
    person = Turn("home", "person", known=True)
    assert queue.join(person) in flood
    queue = TurnQueue(2)
    marked = [joined(queue, f"bot {number}", "one account", known=True) for number in range(queue.capacity)]
    assert queue.join(Turn("home", "person")) in marked


@settings(max_examples=20)
@given(st.floats(0.001, 60.0), st.integers(1, 64))
def test_queue_length_is_limited_to_hashes_that_can_start_in_time(taken: float, slots: int) -> None:
    """Expensive hashes leave room for fewer entries, but for at least one."""
    queue = TurnQueue(slots)
    for _ in range(500):
        turn = joined(queue, "one", "account")
        queue.begin(0.0)
        queue.leave(turn, taken)
    assert slots <= queue.capacity <= MAX_WAITING
    assert queue.capacity == slots or (queue.capacity - 1) * taken / slots <= MAX_WAIT * 1.05


class Queue(RuleBasedStateMachine):
    """Let entries join, get turns and leave: none is lost, and the limits hold."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = TurnQueue(3, max_waiting=10)
        self.now = 0.0
        self.waiting: list[Turn] = []
        self.running: list[Turn] = []

    @rule(network=SOURCES, account=ACCOUNTS, known=st.booleans())
    def join(self, network: str, account: str, *, known: bool) -> None:
        """Add an entry."""
        turn = Turn(network, account, known=known)
        self.waiting.append(turn)
        networks = Counter(each.network for each in self.waiting)
        sources = Counter(each.source for each in self.waiting)
        leaving = self.queue.join(turn)
        if leaving is not None:
            self.waiting.remove(leaving)
            assert networks[leaving.network] == max(networks.values())
            assert sources[leaving.source] == max(
                size for (network, _), size in sources.items() if networks[network] == max(networks.values())
            )

    @rule(seconds=st.floats(0, 5))
    def begin(self, seconds: float) -> None:
        """Let time pass, and use the free slots."""
        self.now += seconds
        for turn in self.queue.begin(self.now):
            self.waiting.remove(turn)
            self.running.append(turn)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """End a turn, twice by mistake."""
        turn = data.draw(st.sampled_from(self.running))
        self.running.remove(turn)
        self.queue.leave(turn, self.now)
        self.queue.leave(turn, self.now)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """Let a client disconnect."""
        turn = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(turn)
        self.queue.leave(turn, self.now)

    @invariant()
    def no_entry_is_lost(self) -> None:
        """Check that the queue holds the clients that we know, within its bounds."""
        assert self.queue.waiting == len(self.waiting) <= self.queue.capacity <= 10
        assert self.queue.running == len(self.running) <= 3
        assert 1 <= self.queue.drained_in <= MAX_WAIT


TestQueue = Queue.TestCase
