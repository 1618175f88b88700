"""NATS JetStream, as the rest of this package sees it: plain calls that return or raise.

``nats-py`` is asynchronous and Django's databases are not, so the connection lives in a thread with
an event loop. It is never mended: after any failure it is closed, and whoever uses it connects anew
and goes on from what is written in the database.

**Order.** A batch is published without waiting for each acknowledgement. Were one message of it
refused and those behind it taken, they would stand in the wrong order. So each message names the
one that must be the last in the stream (``Nats-Expected-Last-Msg-Id``); beside another relay the
server refuses what does not fit. The first batch of a connection may repeat what is there, and is
therefore published one by one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from ...conf import ImproperJazzAuthSettings
from ...conf_relay import RelaySettings
from ...errors import RelayStreamUnfit, RelayTooLarge, RelayUnavailable
from .connecting import INSTALLED, connect
from .wire import Message

try:
    import nats.errors
    import nats.js.errors
    from nats.js import api
except ImportError:  # the extra "nats" is not installed
    pass

_HEADERS = 1024  # bytes that the headers of a message take at most
_NOT_FOUND = 10059
_WRONG_SUBJECT_SEQUENCE = 10071
_TRIES = 5
_PATIENCE = 30.0
_GONE = 60.0

_Result = TypeVar("_Result")


class Received:
    """A message as it was read.

    Attributes:
        sequence: its number in the JetStream stream.
        body: the bytes.
    """

    __slots__ = ("body", "sequence")

    def __init__(self, sequence: int, body: bytes) -> None:
        self.sequence = sequence
        self.body = body


class Bus:
    """A connection to NATS. Use it in ``with``, from one thread.

    Args:
        settings: where and as whom.

    Raises:
        ImproperSettings: there is no URL, or the extra ``nats`` is not installed.
        RelayUnavailable: on entering, and by every method: NATS does not answer, or refuses.
    """

    def __init__(self, settings: RelaySettings) -> None:
        if not settings.servers:
            raise ImproperJazzAuthSettings(
                'JAZZAUTH["RELAY"]["URL"] is not set: say where NATS is reached, such as '
                "tls://nats.example.org:4222."
            )
        if not INSTALLED:
            raise ImproperJazzAuthSettings(
                "The relay needs nats-py: install django-jazzauth[nats]."
            )
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._last: dict[str, str] = {}
        self._readers: dict[str, Any] = {}
        self._refused = asyncio.Event()
        self._refusal: Exception | None = None

    def __enter__(self) -> Bus:
        self._thread.start()
        try:
            self._run(self._connect(), self._settings.TIMEOUT * 2)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self._run(self._connection.close(), self._settings.TIMEOUT)
        except RelayUnavailable:
            pass  # it was gone already
        finally:
            self._stop()

    # -- streams ----------------------------------------------------------------------------------

    def create_stream(self, name: str, subjects: str, *, only_newest: bool) -> None:
        """Make a stream, in files, with no limit; nothing happens if it is there.

        Args:
            name: of the stream.
            subjects: pattern of its subjects.
            only_newest: keep one message per subject.
        """
        config = api.StreamConfig(
            name=name,
            subjects=[subjects],
            storage=api.StorageType.FILE,
            num_replicas=self._settings.REPLICAS,
            max_msgs_per_subject=1 if only_newest else -1,
            discard=api.DiscardPolicy.OLD if only_newest else api.DiscardPolicy.NEW,
        )
        if self._info(name) is None:
            self._run(self._stream.add_stream(config))

    def check_stream(self, name: str, subjects: str, *, only_newest: bool) -> None:
        """Refuse a stream that does not do what is relied on.

        Raises:
            RelayStreamUnfit: it is not there, or is made otherwise; the text says how.
        """
        info = self._info(name)
        if info is None:
            raise RelayStreamUnfit(
                f"NATS has no stream {name}: run `manage.py jazzauth relay --create-stream`."
            )
        config = info.config
        wrong = ""
        if subjects not in (config.subjects or []):
            wrong = f"its subjects are not {subjects}"
        elif only_newest and config.max_msgs_per_subject != 1:
            wrong = "it keeps more than one message per subject, and so keys that were destroyed"
        elif not only_newest and config.max_msgs_per_subject != -1:
            wrong = "it does not keep all events of a subject"
        elif config.no_ack:
            wrong = "it does not acknowledge"
        if wrong:
            raise RelayStreamUnfit(
                f"The stream {name} of NATS is not as the relay needs it: {wrong}."
            )

    def size(self, name: str) -> int:
        """How many messages a stream holds."""
        info = self._info(name)
        return 0 if info is None else int(info.state.messages)

    def delete_stream(self, name: str) -> None:
        """Delete a stream with all that is in it; nothing happens if it is not there."""
        if self._info(name) is not None:
            self._run(self._stream.delete_stream(name))

    def purge(self, name: str, subject: str) -> None:
        """Delete all messages of one subject."""
        self._run(self._stream.purge_stream(name, subject=subject), _PATIENCE)

    # -- publishing -------------------------------------------------------------------------------

    def publish(self, name: str, messages: Sequence[Message]) -> None:
        """Publish in order; returns once each is acknowledged: stored on the stream's servers.

        Raises:
            RelayTooLarge: nothing was published.
            RelayUnavailable: some of it may have been published, a part from the beginning on.
        """
        self._check_size(messages)
        self._run(self._publish(name, messages), _PATIENCE + self._settings.TIMEOUT)

    def replace(
        self, name: str, messages: Sequence[Message], stands: Callable[[bytes], bool]
    ) -> None:
        """Publish messages that replace those of the same subjects.

        Args:
            name: of the stream.
            messages: one per subject.
            stands: whether a body that is there already must stay.

        Raises:
            RelayTooLarge, RelayUnavailable: as :meth:`publish`.
        """
        self._check_size(messages)
        self._run(self._replace(name, messages, stands), _PATIENCE + self._settings.TIMEOUT)

    # -- reading ----------------------------------------------------------------------------------

    def newest(self, name: str, subject: str) -> Received | None:
        """The newest message of a subject."""
        return self._run(self._newest(name, subject))

    def first(self, name: str, subject: str) -> Received | None:
        """The oldest message of a subject."""
        return self._run(self._first(name, subject))

    def read(self, name: str, after: int, limit: int, patience: float) -> list[Received]:
        """The next messages of a stream, in order.

        Args:
            name: of the stream.
            after: sequence number of the last one that was dealt with.
            limit: how many at most.
            patience: seconds to wait for the first.
        """
        return self._run(
            self._read(name, after, limit, patience), patience + self._settings.TIMEOUT
        )

    # -- inside -----------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, _Result], patience: float | None = None) -> _Result:
        future = asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(work, patience or self._settings.TIMEOUT), self._loop
        )
        try:
            return future.result()
        except TimeoutError:
            raise RelayUnavailable("NATS did not answer in time.") from None
        except (OSError, nats.errors.Error) as error:
            # nats-py's texts name addresses and what the server said, never credentials.
            raise RelayUnavailable(f"NATS: {str(error) or type(error).__name__}") from None

    def _stop(self) -> None:
        async def end() -> None:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _connect(self) -> None:
        given = self._settings
        self._connection = await connect(given, self._note_error)
        self._stream = self._connection.jetstream(
            timeout=given.TIMEOUT, publish_async_max_pending=4 * given.BATCH
        )

    def _info(self, name: str) -> Any:
        return self._run(self._stream_info(name))

    async def _stream_info(self, name: str) -> Any:
        try:
            return await self._stream.stream_info(name)
        except nats.js.errors.NotFoundError as error:
            if error.err_code == _NOT_FOUND:
                return None
            raise

    def _check_size(self, messages: Sequence[Message]) -> None:
        limit = self._connection.max_payload - _HEADERS
        for message in messages:
            if len(message.body) > limit:
                raise RelayTooLarge(
                    f"The message for {message.subject} has {len(message.body)} bytes, and NATS "
                    f"takes {limit}: raise max_payload in the server's configuration."
                )

    async def _publish(self, name: str, messages: Sequence[Message]) -> None:
        last = self._last.pop(name, None)
        if last is None:
            await self._publish_singly(name, messages)
            return
        waiting = []
        for message in messages:
            headers = {"Nats-Msg-Id": message.id, "Nats-Expected-Last-Msg-Id": last}
            waiting.append(
                await self._stream.publish_async(
                    message.subject, message.body, stream=name, headers=headers
                )
            )
            last = message.id
        acknowledged = asyncio.gather(*waiting)
        # nats-py raises what the server refuses in its own task, and leaves the future waiting.
        refused = asyncio.ensure_future(self._refused.wait())
        try:
            await asyncio.wait(
                (acknowledged, refused), timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            refused.cancel()
        if self._refusal is not None:
            acknowledged.cancel()
            raise self._refusal
        acks = await asyncio.wait_for(acknowledged, 0)
        if not any(ack.duplicate for ack in acks):
            self._last[name] = last

    async def _publish_singly(self, name: str, messages: Sequence[Message]) -> None:
        """The first batch of a connection, each message after the last is acknowledged.

        Some may be there already: an earlier process was killed before it could note so. The server
        takes a repetition for fine whatever it is said to follow, so these cannot be chained.
        """
        stored = None
        for message in messages:
            ack = await self._stream.publish(
                message.subject, message.body, stream=name, headers={"Nats-Msg-Id": message.id}
            )
            if not ack.duplicate:
                stored = message.id
        if stored is not None:
            self._last[name] = stored

    async def _replace(
        self, name: str, messages: Sequence[Message], stands: Callable[[bytes], bool]
    ) -> None:
        # As if there were none of these subjects yet, which for new keys is true.
        waiting = [self._replacing(name, message, 0) for message in messages]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        known = []
        for message, result in zip(messages, results, strict=True):
            if _wrong_sequence(result):
                known.append(self._replace_known(name, message, stands))
            elif isinstance(result, BaseException):
                raise result
        await asyncio.gather(*known)

    async def _replace_known(
        self, name: str, message: Message, stands: Callable[[bytes], bool]
    ) -> None:
        for _ in range(_TRIES):
            there = await self._newest(name, message.subject)
            if there is not None and (there.body == message.body or stands(there.body)):
                return
            sequence = 0 if there is None else there.sequence
            try:
                await self._replacing(name, message, sequence)
            except nats.js.errors.APIError as error:
                if not _wrong_sequence(error):
                    raise
            else:
                return
        raise RelayUnavailable(f"Others publish to {message.subject} without pause.")

    async def _replacing(self, name: str, message: Message, sequence: int) -> None:
        # Without an id: this condition keeps repetitions away, for longer than JetStream keeps ids.
        headers = {"Nats-Expected-Last-Subject-Sequence": str(sequence)}
        await self._stream.publish(message.subject, message.body, stream=name, headers=headers)

    async def _note_error(self, error: Exception) -> None:
        if isinstance(error, nats.js.errors.APIError):
            self._refusal = error
            self._refused.set()

    async def _newest(self, name: str, subject: str) -> Received | None:
        try:
            found = await self._stream.get_last_msg(name, subject)
        except nats.js.errors.NotFoundError:
            return None
        return Received(found.seq or 0, found.data or b"")

    async def _first(self, name: str, subject: str) -> Received | None:
        try:
            found = await self._stream.get_msg(name, seq=1, subject=subject, next=True)
        except nats.js.errors.NotFoundError:
            return None
        return Received(found.seq or 0, found.data or b"")

    async def _read(self, name: str, after: int, limit: int, patience: float) -> list[Received]:
        reader = self._readers.get(name)
        if reader is None:
            # The place is kept in the copy's database, together with what was read: JetStream
            # keeps none, so that neither can be ahead of the other.
            info = await self._stream.add_consumer(
                name,
                api.ConsumerConfig(
                    ack_policy=api.AckPolicy.NONE,
                    deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                    opt_start_seq=after + 1,
                    inactive_threshold=_GONE,
                    mem_storage=True,
                ),
            )
            reader = await self._stream.pull_subscribe_bind(consumer=info.name, stream=name)
            self._readers[name] = reader
        try:
            found = await reader.fetch(limit, timeout=patience)
        except TimeoutError:
            return []
        return [Received(message.metadata.sequence.stream, message.data) for message in found]


def _wrong_sequence(error: object) -> bool:
    return isinstance(error, nats.js.errors.APIError) and error.err_code == _WRONG_SUBJECT_SEQUENCE
