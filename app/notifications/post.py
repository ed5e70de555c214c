"""Handing a mail to a mail server (SMTP, RFC 5321; TLS, RFC 8314 and RFC 3207)."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from markupsafe import Markup, escape

from app.i18n.locales import match_language
from app.notifications.models import Mail

SMTP_TIMEOUT_SECONDS = 20  # seconds for each step of the conversation


class MailRefused(Exception):
    """The mail server will never take this mail; trying again is of no use."""


class MailServerNotEncrypted(Exception):
    """The mail server wants a password but offers no encryption to send it under."""


@dataclass(frozen=True)
class SmtpServer:
    host: str
    port: int
    is_tls: bool
    user: str | None
    password: str | None


def parse_smtp_url(url: str) -> SmtpServer:
    """``smtp://[user:password@]host[:587]``, which turns to TLS where the server offers it, or
    ``smtps://…[:465]``.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("SMTP_URL must be smtp://[user:password@]host[:port] or smtps://…")
    is_tls = parts.scheme == "smtps"
    return SmtpServer(
        parts.hostname,
        parts.port or (465 if is_tls else 587),
        is_tls,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


CalendarInvitation = tuple[str, bytes]
"""A calendar file (RFC 5545) and its method: REQUEST or CANCEL."""


def send_mail_by_smtp(
    mail: Mail, url: str, sender: str, invitation: CalendarInvitation | None = None
) -> None:
    """Raises ``MailRefused`` for a lasting refusal, ``OSError`` or ``smtplib.SMTPException``
    when it may be tried again.
    """
    server, message = parse_smtp_url(url), compose_email(mail, sender, invitation)
    try:
        with _connect_smtp(server) as connection:
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code >= 500 for code in codes):
            raise MailRefused(str(codes[0])) from error
        raise


def try_smtp_login(url: str) -> SmtpServer:
    """Connects and signs in, sends nothing. Raises ``ValueError`` for a wrong address,
    ``MailServerNotEncrypted``, ``OSError`` or ``smtplib.SMTPException``.
    """
    server = parse_smtp_url(url)
    with _connect_smtp(server) as connection:
        connection.noop()
    return server


def compose_email(
    mail: Mail, sender: str, invitation: CalendarInvitation | None = None
) -> EmailMessage:
    """Plain text, and the same as HTML so that right-to-left text is laid out right. The Message-ID
    is the mail's own, so a mail that goes out twice after a crash is one mail for the receiver. A
    calendar file is a third form of the same (RFC 6047), so that Google, Apple and Outlook enter,
    replace or remove the meeting.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.to, mail.subject
    message["Date"] = format_datetime(mail.created_at)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "consilium.invalid"
    message["Message-ID"] = f"<{mail.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body, cte="quoted-printable")
    message.add_alternative(_html_body(mail), subtype="html", cte="quoted-printable")
    if invitation is not None:
        method, calendar = invitation
        message.add_alternative(
            calendar.decode(),
            subtype="calendar",
            cte="base64",
            params={"method": str(method), "name": "meeting.ics"},
        )
    message["Content-Language"] = match_language(
        mail.language
    ).tag  # last: the parts take what ``Content-`` is there before
    return message


def mask_email_address(address: str) -> str:
    """«p…@demo.example»: enough to recognise, too little to read."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}…@{domain}"


def _connect_smtp(server: SmtpServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.is_tls:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=SMTP_TIMEOUT_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=SMTP_TIMEOUT_SECONDS)
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        elif server.user:
            connection.close()
            raise MailServerNotEncrypted("the mail server offers no STARTTLS")
    if server.user:
        connection.login(server.user, server.password or "")
    return connection


def _html_body(mail: Mail) -> str:
    language = match_language(mail.language)
    paragraphs = Markup("").join(
        Markup("<p>{}</p>").format(_link_paragraph(one)) for one in mail.body.strip().split("\n\n")
    )
    frame = Markup(
        '<!doctype html><html lang="{}" dir="{}"><meta charset="utf-8"><title>{}</title>'
        "<body>{}</body></html>"
    )
    return str(frame.format(language.tag, language.direction, mail.subject, paragraphs))


def _link_paragraph(paragraph: str) -> Markup:
    lines = []
    for line in paragraph.split("\n"):
        is_link = line.startswith(("http://", "https://"))
        lines.append(Markup('<a href="{0}">{0}</a>').format(line) if is_link else escape(line))
    return Markup("<br>").join(lines)
