use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;

use crate::App;

const USER_AGENT_MAX_CHARS: usize = 200;

/// What is known of the program at the other end. Both are what it says or what the connection shows; neither proves anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// At most 200 visible characters.
    pub user_agent: Option<String>,
    pub address: Option<IpAddr>,
}

impl Client {
    /// The network of the address, enough to recognise a place and too little to follow a person: `/24` or `/48`.
    pub fn network(&self) -> Option<String> {
        Some(match self.address?.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}::/48")
            }
        })
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).map(str::trim);
        let user_agent = user_agent.filter(|text| !text.is_empty()).map(|text| text.chars().take(USER_AGENT_MAX_CHARS).collect());
        let address = app.limits().address(&parts.extensions, &parts.headers).ip();
        Ok(Self { user_agent, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shortened_to_its_network() {
        let network = |text: &str| Client { address: text.parse().ok(), ..Client::default() }.network();
        assert_eq!(network("203.0.113.77").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("::ffff:203.0.113.77").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(network("2001:db8:1:2::5").as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(network(""), None);
    }
}
