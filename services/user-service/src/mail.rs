//! Mail: one layout around the words of a notice, as plain text and simple HTML, sent by SMTP.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use domain::email::EmailAddress;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp,
};
use minijinja::{Environment, context, syntax::SyntaxConfig};
use uuid::Uuid;

use crate::{config::MailSettings, notices::Words};

/// Handing a mail over takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Replies of a mail server (RFC 4954) about our own way to sign in to it: no refusal of a mail.
const SIGN_IN_REPLIES: [u16; 4] = [530, 534, 535, 538];
/// Shows nothing, breaks no line, and parts what a mail program would take for a link.
const WORD_JOINER: char = '\u{2060}';

/// Sends mail.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    public_url: Arc<str>,
    layout: Arc<Environment<'static>>,
}

/// A mail to be sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The notification that the mail is about; makes the `Message-ID`, so that a repetition can be recognised.
    pub id: Uuid,
    /// The recipient's address.
    pub to: String,
    /// The recipient's name, where it is known.
    pub name: Option<String>,
    /// What it says; the title is the subject.
    pub words: Words,
    /// Where it leads.
    pub link: Option<Link>,
}

/// Why a mail was not handed over.
#[derive(Debug)]
pub enum SendError {
    /// No mail can be sent to this address.
    AddressInvalid,
    /// The mail server refused the mail for good: another attempt would be refused as well.
    Refused(anyhow::Error),
    /// The mail server is unavailable, busy, or takes no mail from us now.
    Later(anyhow::Error),
}

/// A link in a mail.
#[derive(Clone)]
pub struct Link {
    /// What the link is called.
    pub text: &'static str,
    /// The path behind the public address. May hold a token, so it is never printed.
    pub path: String,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Link")
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}

impl Mailer {
    /// Prepares sending; connects with the first mail.
    pub fn new(settings: &MailSettings) -> anyhow::Result<Self> {
        let transport = settings.server.clone().timeout(Some(TIMEOUT)).build();
        Ok(Self {
            transport,
            from: Mailbox::new(Some("Haushavn".to_owned()), settings.from.clone()),
            public_url: settings.public_url.as_str().into(),
            layout: Arc::new(layout()?),
        })
    }

    /// Hands a mail to the mail server.
    ///
    /// # Errors
    /// Whether another attempt may succeed.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let to = address(&mail.to).ok_or(SendError::AddressInvalid)?;
        let message = self.message(mail, to).map_err(SendError::Refused)?;
        let sending = tokio::time::timeout(TIMEOUT, self.transport.send(message)).await;
        let handed_over = sending
            .context("the mail server takes too long")
            .map_err(SendError::Later)?;
        handed_over.map(drop).map_err(|error| {
            if is_final(&error) {
                SendError::Refused(error.into())
            } else {
                SendError::Later(error.into())
            }
        })
    }

    fn message(&self, mail: &Mail, to: Address) -> anyhow::Result<Message> {
        let link = mail
            .link
            .as_ref()
            .map(|link| format!("{}{}", self.public_url, link.path));
        let filling = context! {
            name => mail.name.as_deref().map(without_links),
            title => without_links(&mail.words.title),
            body => without_links(&mail.words.body),
            paragraphs => mail.words.body.split("\n\n").map(without_links).collect::<Vec<_>>(),
            link_text => mail.link.as_ref().map(|link| link.text),
            link,
        };
        let text = self.layout.get_template("mail.txt")?.render(&filling)?;
        let html = self.layout.get_template("mail.html")?.render(&filling)?;
        let domain = self.from.email.domain();
        Message::builder()
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .from(self.from.clone())
            .to(Mailbox::new(mail.name.clone(), to))
            .subject(&mail.words.title)
            .multipart(MultiPart::alternative_plain_html(text, html))
            .context("failed to compose a mail")
    }
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Mailer")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// The address to send to. None where the stored one is older than our checks.
fn address(written: &str) -> Option<Address> {
    EmailAddress::parse(written)?.deliverable().parse().ok()
}

/// Whether another attempt would fail alike: the server refused this mail (5xx), or the mail cannot be sent by this
/// server at all.
fn is_final(error: &smtp::Error) -> bool {
    let about_us = error
        .status()
        .is_some_and(|code| SIGN_IN_REPLIES.contains(&code.into()));
    (error.is_permanent() && !about_us) || error.is_client()
}

/// The text with word joiners in what a mail program would make a link of: `evil.example`, `https://…`, `a@b.c`.
/// Names of people, organizations and deals come from strangers.
fn without_links(text: &str) -> String {
    let mut parted = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    let mut before = ' ';
    while let Some(sign) = signs.next() {
        parted.push(sign);
        let next = signs.peek().copied().unwrap_or(' ');
        let joins = match sign {
            '.' | '@' => !before.is_whitespace() && next.is_alphanumeric(),
            ':' => next == '/' || (before.is_alphabetic() && next.is_alphanumeric()),
            '/' => next == '/',
            _ => false,
        };
        if joins {
            parted.push(WORD_JOINER);
        }
        before = sign;
    }
    parted
}

/// The HTML part is escaped, by its name's ending.
fn layout() -> anyhow::Result<Environment<'static>> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).build()?);
    environment.add_template("mail.txt", include_str!("../templates/mail.txt"))?;
    environment.add_template("mail.html", include_str!("../templates/mail.html"))?;
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::TcpListener,
    };

    use super::*;

    fn mailer(server: &str) -> Mailer {
        Mailer::new(&MailSettings {
            server: AsyncSmtpTransport::<Tokio1Executor>::from_url(server).unwrap(),
            from: "haushavn@haushavn.example".parse().unwrap(),
            public_url: "https://haushavn.example".parse().unwrap(),
        })
        .unwrap()
    }

    fn mail(to: &str, title: &str, body: &str, link: Option<Link>) -> Mail {
        Mail {
            id: Uuid::from_u128(5),
            to: to.to_owned(),
            name: Some("Ada <b>".to_owned()),
            words: Words {
                title: title.to_owned(),
                body: body.to_owned(),
            },
            link,
        }
    }

    fn message(title: &str, body: &str, link: Option<Link>) -> String {
        let mail = mail("ada@example.com", title, body, link);
        let to = address(&mail.to).unwrap();
        let message = mailer("smtp://127.0.0.1:1").message(&mail, to).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    /// A mail server that says this to whom a mail is for, and takes everything else.
    async fn server_that_answers(reply: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        actix_web::rt::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let (reading, mut writing) = stream.into_split();
            let mut lines = BufReader::new(reading).lines();
            writing.write_all(b"220 here\r\n").await.unwrap();
            while let Ok(Some(line)) = lines.next_line().await {
                let answer = if line.starts_with("RCPT") {
                    reply
                } else {
                    "250 yes"
                };
                if writing
                    .write_all(format!("{answer}\r\n").as_bytes())
                    .await
                    .is_err()
                {
                    return;
                }
            }
        });
        url
    }

    #[actix_web::test]
    async fn a_refusal_for_good_is_told_from_one_that_may_pass() {
        for (reply, is_refused) in [
            ("550 5.1.1 no such user", true),
            ("553 5.1.3 bad address", true),
            ("450 4.2.0 try again", false),
            ("530 5.7.0 sign in first", false),
        ] {
            let server = server_that_answers(reply).await;
            let mail = mail("ada@example.com", "Title", "Body.", None);
            let outcome = mailer(&server).send(&mail).await;
            let refused = matches!(outcome, Err(SendError::Refused(_)));
            assert!(
                outcome.is_err() && refused == is_refused,
                "{reply}: {outcome:?}"
            );
        }
    }

    #[actix_web::test]
    async fn a_server_that_is_away_refuses_nothing() {
        let mail = mail("ada@example.com", "Title", "Body.", None);
        let outcome = mailer("smtp://127.0.0.1:1").send(&mail).await;
        assert!(matches!(outcome, Err(SendError::Later(_))), "{outcome:?}");
    }

    #[actix_web::test]
    async fn an_address_that_no_mail_can_reach_is_not_tried() {
        let mail = mail("two..dots@example.com", "Title", "Body.", None);
        let outcome = mailer("smtp://127.0.0.1:1").send(&mail).await;
        assert!(
            matches!(outcome, Err(SendError::AddressInvalid)),
            "{outcome:?}"
        );
    }

    #[test]
    fn every_address_that_is_taken_can_be_sent_to() {
        for taken in [
            "a@example.com",
            "o'hara_{1}+x=y/z?!#$%&*^`|~-@x-y.example",
            "ü@exämple.de",
            "用户@例え.テスト",
        ] {
            assert!(address(taken).is_some(), "{taken}");
        }
    }

    #[actix_web::test]
    async fn names_that_look_like_addresses_become_no_links() {
        let names = [
            "evil.example",
            "http://evil.example",
            "a@evil.example",
            "mailto:evil@x.example",
            "www.evil.example/x",
        ];
        for name in names {
            let parted = without_links(name);
            assert_ne!(parted, name);
            assert_eq!(parted.replace(WORD_JOINER, ""), name);
            assert!(
                !parted.contains("://") && !parted.contains(".e"),
                "{parted}"
            );
        }
        for plain in ["12 Harbour Lane, Unit 4. Then: the rest.", "Due 9:30, 1/2"] {
            assert_eq!(without_links(plain), plain);
        }
    }

    #[actix_web::test]
    async fn both_parts_carry_words_and_link_and_the_html_is_escaped() {
        let link = Link {
            text: "Open",
            path: "/deals/7?a=1".to_owned(),
        };
        let text = message("Title", "One & two.\n\nThree.", Some(link)).replace("=\r\n", "");
        assert!(
            text.contains("Open: https://haushavn.example/deals/7?a=1"),
            "{text}"
        );
        assert!(
            text.contains("<p>One &amp; two.</p><p>Three.</p>"),
            "{text}"
        );
        assert!(text.contains("<p>Hello Ada &lt;b&gt;,</p>"), "{text}");
        assert!(
            text.contains("Message-ID: <00000000-0000-0000-0000-000000000005@haushavn.example>"),
            "{text}"
        );
    }

    #[actix_web::test]
    async fn a_title_cannot_add_headers() {
        let text = message("Title\r\nBcc: eve@example.com", "Body.", None);
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            !headers.lines().any(|line| line.starts_with("Bcc:")),
            "{text}"
        );
    }

    #[actix_web::test]
    async fn a_server_that_says_nothing_is_given_up_after_ten_seconds_and_tried_again_later() {
        // Takes connections into its queue and never answers.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("smtp://{}", silent.local_addr().unwrap());
        let mail = mail("ada@example.com", "Title", "Body.", None);
        let mailer = mailer(&server);
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let sending = mailer.send(&mail);
        let outcome = tokio::time::timeout(Duration::from_hours(1), sending).await;
        assert!(
            matches!(outcome, Ok(Err(SendError::Later(_)))),
            "{outcome:?}"
        );
        assert_eq!(began.elapsed().as_secs(), TIMEOUT.as_secs());
    }
}
