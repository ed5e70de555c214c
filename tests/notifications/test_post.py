"""Mail through a real mail server."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.core.clock import now
from app.core.ids import new_id
from app.core.outbox import JobContext, enqueue_job
from app.jobs.runner import JobsRunner
from app.notifications import post
from app.notifications.jobs import HANDLERS
from app.notifications.models import Mail, MailState
from tests.ports import take_port

SENDER = "Consilium <no-reply@hospital.example>"


class Inbox:
    """Takes every mail, except for addresses that it was told to refuse."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuse = ""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 Taken"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    handler = Inbox()
    # aiosmtpd tries the port it was given, so it cannot be told to choose one
    controller = Controller(handler, hostname="127.0.0.1", port=take_port())
    controller.start()
    yield handler, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def a_mail(**facts: object) -> Mail:
    chosen = {
        "id": new_id(),
        "to": "amal@patients.example",
        "language": "ar",
        "subject": "رأيك الطبي جاهز",
        "body": "يمكنك قراءته الآن.\n\nافتح الحالة:\nhttps://consilium.example/cases/1?a=1&b=<2>\n",
        "state": MailState.QUEUED,
        "created_at": now(),
    }
    return Mail(**(chosen | facts))


def send_by_job(app, database, url: str | None, mail: Mail) -> Mail:
    with database.unit_of_work() as session:
        session.add(mail)
        enqueue_job(session, "mail.send", {"mail_id": mail.id})
    settings = app.extensions["settings"].model_copy(update={"smtp_url": url, "mail_from": SENDER})
    JobsRunner(JobContext(settings, None, database), HANDLERS).run_one()
    with database.unit_of_work() as session:
        return session.get_one(Mail, mail.id)


def test_a_mail_arrives_as_it_was_written(app, database, inbox):
    handler, url = inbox
    mail = send_by_job(app, database, url, a_mail())
    assert mail.state == MailState.SENT and mail.sent_at
    [message] = handler.messages
    assert message["Subject"] == "رأيك الطبي جاهز"
    assert message["From"] == SENDER and message["To"] == "amal@patients.example"
    assert message["Content-Language"] == "ar"
    assert message["Message-ID"] == f"<{mail.id}@hospital.example>"
    assert message.get_body(("plain",)).get_content().replace("\r\n", "\n") == mail.body
    page = message.get_body(("html",)).get_content()
    assert 'lang="ar" dir="rtl"' in page
    assert '<a href="https://consilium.example/cases/1?a=1&amp;b=&lt;2&gt;">' in page


def test_a_mail_that_was_sent_is_not_sent_again(app, database, inbox):
    handler, url = inbox
    mail = send_by_job(app, database, url, a_mail())
    with database.unit_of_work() as session:
        enqueue_job(session, "mail.send", {"mail_id": mail.id})
    settings = app.extensions["settings"].model_copy(update={"smtp_url": url})
    JobsRunner(JobContext(settings, None, database), HANDLERS).run_one()
    assert len(handler.messages) == 1


def test_without_a_mail_server_it_stays_in_the_outbox(app, database):
    assert send_by_job(app, database, None, a_mail()).state == MailState.KEPT


def test_a_lasting_refusal_ends_it_and_a_passing_one_is_tried_again(app, database, inbox):
    handler, url = inbox
    handler.refuse = "550 No such person"
    assert send_by_job(app, database, url, a_mail()).state == MailState.REFUSED
    handler.refuse = "451 Come back later"
    assert send_by_job(app, database, url, a_mail()).state == MailState.QUEUED


def test_a_server_that_is_away_is_tried_again(app, database):
    assert send_by_job(app, database, "smtp://127.0.0.1:9", a_mail()).state == MailState.QUEUED


def test_a_password_is_never_said_in_the_clear(inbox):
    _, url = inbox
    with pytest.raises(post.MailServerNotEncrypted):
        post.send_mail_by_smtp(a_mail(), url.replace("smtp://", "smtp://user:secret@"), SENDER)


def test_an_address_in_the_log_is_masked():
    assert post.mask_email_address("amal.hassan@patients.example") == "a…@patients.example"


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25"])
def test_an_address_that_is_no_mail_server_is_refused(url: str):
    with pytest.raises(ValueError):
        post.parse_smtp_url(url)


def test_user_and_password_may_hold_any_character():
    server = post.parse_smtp_url("smtps://me%40x:p%3Aw%2F@mail.example")
    assert (server.user, server.password, server.port, server.is_tls) == ("me@x", "p:w/", 465, True)
