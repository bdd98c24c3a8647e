//! Mail: one layout around the words of a notice, as plain text and simple HTML, sent by SMTP.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use minijinja::{Environment, context, syntax::SyntaxConfig};
use uuid::Uuid;

use crate::{config::MailSettings, notices::Words};

/// Handing a mail over takes no longer.
const TIMEOUT: Duration = Duration::from_secs(10);

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
    /// The notification it tells of; makes the `Message-ID`, so that a repetition can be recognised.
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

/// A link in a mail.
#[derive(Clone)]
pub struct Link {
    /// What the link is called.
    pub text: &'static str,
    /// Path and query behind the public address. May hold a token, so it is never printed.
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
    pub async fn send(&self, mail: &Mail) -> anyhow::Result<()> {
        let message = self.message(mail)?;
        let sending = tokio::time::timeout(TIMEOUT, self.transport.send(message)).await;
        sending
            .context("the mail server takes too long")?
            .context("the mail server refused or is away")?;
        Ok(())
    }

    fn message(&self, mail: &Mail) -> anyhow::Result<Message> {
        let to: Address = mail
            .to
            .parse()
            .context("the recipient's address cannot be used")?;
        let link = mail
            .link
            .as_ref()
            .map(|link| format!("{}{}", self.public_url, link.path));
        let filling = context! {
            name => mail.name.clone(),
            title => mail.words.title.clone(),
            body => mail.words.body.clone(),
            paragraphs => mail.words.body.split("\n\n").map(str::to_owned).collect::<Vec<_>>(),
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
    use super::*;

    fn message(title: &str, body: &str, link: Option<Link>) -> String {
        let mailer = Mailer::new(&MailSettings {
            server: AsyncSmtpTransport::<Tokio1Executor>::from_url("smtp://127.0.0.1:1").unwrap(),
            from: "haushavn@haushavn.example".parse().unwrap(),
            public_url: "https://haushavn.example".parse().unwrap(),
        })
        .unwrap();
        let mail = Mail {
            id: Uuid::from_u128(5),
            to: "ada@example.com".to_owned(),
            name: Some("Ada <b>".to_owned()),
            words: Words {
                title: title.to_owned(),
                body: body.to_owned(),
            },
            link,
        };
        String::from_utf8(mailer.message(&mail).unwrap().formatted()).unwrap()
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
}
