//! Which proxy leads to the API server. kube 5.0 compares `NO_PROXY` with the proxy's own address, so this program decides.

use std::net::IpAddr;

use http::Uri;
use ipnet::IpNet;

/// The proxy settings of the environment, as Go programs read them.
#[derive(Clone, Debug, Default)]
pub(super) struct ProxyEnvironment {
    pub(super) for_https: Option<String>,
    pub(super) for_http: Option<String>,
    pub(super) exceptions: String,
}

impl ProxyEnvironment {
    pub(super) fn from_process() -> Self {
        let read = |upper: &str, lower: &str| {
            [upper, lower]
                .into_iter()
                .filter_map(|name| std::env::var(name).ok())
                .find(|value| !value.is_empty())
        };
        Self {
            for_https: read("HTTPS_PROXY", "https_proxy"),
            for_http: read("HTTP_PROXY", "http_proxy"),
            exceptions: read("NO_PROXY", "no_proxy").unwrap_or_default(),
        }
    }

    /// Returns the proxy to use, `None` for a direct connection. A `proxy-url` in the kubeconfig knows no exceptions.
    ///
    /// `socks5h` becomes `socks5`: names are always resolved at the proxy.
    pub(super) fn choose(
        &self,
        from_kubeconfig: Option<&str>,
        server: &Uri,
    ) -> Result<Option<Uri>, http::uri::InvalidUri> {
        let chosen = if let Some(url) = from_kubeconfig.filter(|url| !url.is_empty()) {
            url
        } else {
            let offered = match server.scheme_str() {
                Some("http") => &self.for_http,
                _ => &self.for_https,
            };
            match offered {
                Some(url) if !self.excepts(server) => url,
                _ => return Ok(None),
            }
        };
        let chosen = match chosen.strip_prefix("socks5h://") {
            Some(rest) => format!("socks5://{rest}"),
            // Go takes a bare host:port for an HTTP proxy.
            None if !chosen.contains("://") => format!("http://{chosen}"),
            None => chosen.to_owned(),
        };
        chosen.parse().map(Some)
    }

    /// Whether `NO_PROXY` names the server. Loopback is never reached through a proxy.
    fn excepts(&self, server: &Uri) -> bool {
        let Some(host) = server.host() else {
            return false;
        };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
            return true;
        }
        let default_port = if server.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = server.port_u16().unwrap_or(default_port);
        self.exceptions
            .split(',')
            .map(|entry| entry.trim().to_ascii_lowercase())
            .any(|entry| matches_entry(&entry, &host, address, port))
    }
}

fn matches_entry(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return address.is_some_and(|address| network.contains(&address));
    }
    if let Ok(exact) = entry.trim_matches(['[', ']']).parse::<IpAddr>() {
        return address == Some(exact);
    }
    let (name, wanted_port) = match entry.rsplit_once(':') {
        Some((name, digits)) => match digits.parse::<u16>() {
            Ok(wanted) => (name, Some(wanted)),
            Err(_) => (entry, None),
        },
        None => (entry, None),
    };
    if wanted_port.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let Ok(exact) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return address == Some(exact);
    }
    if address.is_some() {
        return false;
    }
    // `.example.com` and `*.example.com` mean hosts below it; `example.com` means itself too.
    match name.strip_prefix("*.").or_else(|| name.strip_prefix('.')) {
        Some(parent) => is_below(host, parent),
        None => host == name || is_below(host, name),
    }
}

fn is_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent)
        .is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(exceptions: &str, server: &str) -> Option<String> {
        let environment = ProxyEnvironment {
            for_https: Some("http://proxy.corp:3128".to_owned()),
            for_http: None,
            exceptions: exceptions.to_owned(),
        };
        let server: Uri = server.parse().unwrap();
        environment
            .choose(None, &server)
            .unwrap()
            .map(|uri| uri.to_string())
    }

    #[test]
    fn exceptions_are_compared_with_the_server() {
        let through = Some("http://proxy.corp:3128/".to_owned());
        for (exceptions, server, expected) in [
            ("", "https://10.1.2.3:6443", &through),
            ("10.0.0.0/8", "https://10.1.2.3:6443", &None),
            ("10.1.2.3", "https://10.1.2.3:6443", &None),
            ("10.1.2.3:443", "https://10.1.2.3:6443", &through),
            ("fd00::/8", "https://[fd00::1]:6443", &None),
            ("proxy.corp", "https://10.1.2.3:6443", &through),
            ("example.com", "https://api.example.com", &None),
            ("example.com", "https://example.com", &None),
            (".example.com", "https://example.com", &through),
            ("*.example.com", "https://api.example.com", &None),
            ("example.com", "https://badexample.com", &through),
            ("example.com:6443", "https://api.example.com:6443", &None),
            ("example.com:6443", "https://api.example.com", &through),
            (" , *", "https://api.example.com", &None),
            ("", "https://127.0.0.1:6443", &None),
            ("", "https://localhost:6443", &None),
            ("", "https://[::1]:6443", &None),
            ("", "http://10.1.2.3:8080", &None),
        ] {
            assert_eq!(
                &chosen(exceptions, server),
                expected,
                "{exceptions} {server}"
            );
        }
    }

    #[test]
    fn the_kubeconfig_wins_and_knows_no_exceptions() {
        let environment = ProxyEnvironment {
            for_https: Some("http://env:1".to_owned()),
            for_http: None,
            exceptions: "*".to_owned(),
        };
        let server: Uri = "https://api.example.com".parse().unwrap();
        let chosen = environment
            .choose(Some("socks5h://jump:1080"), &server)
            .unwrap();
        assert_eq!(chosen.unwrap().to_string(), "socks5://jump:1080/");
        assert_eq!(environment.choose(Some(""), &server).unwrap(), None);
    }
}
