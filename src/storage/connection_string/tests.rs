use super::*;
use proptest::prelude::*;

const KEY: &str = "c2VjcmV0IGtleQ==";

fn parse(text: &str) -> ConnectionString {
    text.parse().unwrap()
}

fn error(text: &str) -> ConnectionStringError {
    text.parse::<ConnectionString>().unwrap_err()
}

fn places(text: &str) -> Vec<String> {
    parse(text).endpoints().map(|endpoint| format!("{}{}", endpoint.origin, endpoint.path)).collect()
}

#[test]
fn an_emulator_is_on_this_machine() {
    let local =
        ["http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10001/devstoreaccount1", "http://127.0.0.1:10002/devstoreaccount1"];
    assert_eq!(places("UseDevelopmentStorage=true"), local);
    assert_eq!(places(" usedevelopmentstorage = TRUE ; "), local);
    assert_eq!(places("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite/")[1], "http://azurite:10001/devstoreaccount1");
    assert!(
        matches!(parse("UseDevelopmentStorage=true").credential, Credential::Key { account, key } if account == "devstoreaccount1" && key.len() == 64)
    );
}

#[test]
fn an_account_is_in_azure() {
    let text = format!("DefaultEndpointsProtocol=https;AccountName=ada;AccountKey={KEY};EndpointSuffix=core.windows.net");
    assert_eq!(
        places(&text),
        ["https://ada.blob.core.windows.net", "https://ada.queue.core.windows.net", "https://ada.table.core.windows.net"]
    );
    assert_eq!(places(&format!("accountkey={KEY};;ACCOUNTNAME=ada;")), places(&text));
    assert_eq!(
        places(&format!("AccountName=ada;AccountKey={KEY};EndpointSuffix=core.chinacloudapi.cn"))[0],
        "https://ada.blob.core.chinacloudapi.cn"
    );
    assert_eq!(places(&format!("DefaultEndpointsProtocol=HTTP;AccountName=ada;AccountKey={KEY}"))[2], "http://ada.table.core.windows.net");
    assert_eq!(parse(&text).credential, Credential::Key { account: "ada".to_owned(), key: b"secret key".to_vec() });
}

#[test]
fn endpoints_may_be_given() {
    let text = format!("AccountName=ada;AccountKey={KEY};BlobEndpoint=http://azurite:10000/ada/;QueueEndpoint=http://[::1]:10001/ada");
    assert_eq!(places(&text), ["http://azurite:10000/ada", "http://[::1]:10001/ada", "https://ada.table.core.windows.net"]);
    assert_eq!(
        parse(&text).endpoints().map(|endpoint| (endpoint.is_loopback(), endpoint.is_plain())).collect::<Vec<_>>(),
        [(false, true), (true, true), (false, false)]
    );
}

#[test]
fn signatures_open_accounts_too() {
    for mark in ["", "?"] {
        let text = format!("QueueEndpoint=https://ada.queue.core.windows.net/;SharedAccessSignature={mark}sv=2021&ss=q&sig=a%2Bb%3D");
        assert_eq!(parse(&text).credential, Credential::Signature("sv=2021&ss=q&sig=a%2Bb%3D".to_owned()));
        assert_eq!(parse(&text).endpoint(Service::Blob), None, "nothing says where that is");
    }
    assert_eq!(places("AccountName=ada;SharedAccessSignature=sig=x")[0], "https://ada.blob.core.windows.net");
    assert!(matches!(parse(&format!("AccountName=ada;SharedAccessSignature=sig=x;AccountKey={KEY}")).credential, Credential::Key { .. }));
}

#[test]
fn what_is_wrong_is_said() {
    use ConnectionStringError as E;
    let key = format!("AccountKey={KEY}");
    for (text, wanted) in [
        ("", E::Empty),
        (" ", E::Empty),
        ("AccountName=a;secret", E::NoEquals(2)),
        ("AccountName=a;accountname=b", E::Twice("AccountName")),
        ("AccountName=;", E::NoValue("AccountName")),
        ("Other=1", E::NoAccountName),
        (&key, E::NoAccountName),
        (&format!("{key};BlobEndpoint=http://a"), E::NoAccountName),
        ("SharedAccessSignature=sig=x", E::NoAccountName),
        ("AccountName=ada", E::NoCredential),
        ("BlobEndpoint=http://a", E::NoCredential),
        (&format!("AccountName=a/b;{key}"), E::AccountName),
        ("AccountName=ada;AccountKey=secret!", E::AccountKey),
        ("AccountName=ada;SharedAccessSignature=secret", E::SharedAccessSignature),
        ("AccountName=ada;SharedAccessSignature=sv=1 2&sig=x", E::SharedAccessSignature),
        (&format!("AccountName=ada;{key};DefaultEndpointsProtocol=ftp"), E::Protocol),
        (&format!("AccountName=ada;{key};EndpointSuffix=a/b"), E::EndpointSuffix),
        (&format!("AccountName=ada;{key};BlobEndpoint=azurite:10000"), E::Endpoint("BlobEndpoint")),
        (&format!("AccountName=ada;{key};BlobEndpoint=ftp://azurite"), E::Endpoint("BlobEndpoint")),
        (&format!("AccountName=ada;{key};BlobEndpoint=http://user:secret@azurite"), E::Endpoint("BlobEndpoint")),
        (&format!("AccountName=ada;{key};TableEndpoint=http://azurite:x"), E::Endpoint("TableEndpoint")),
        (&format!("AccountName=ada;{key};TableEndpoint=http://azurite:"), E::Endpoint("TableEndpoint")),
        (&format!("AccountName=ada;{key};TableEndpoint=http://[::1]&:10002"), E::Endpoint("TableEndpoint")),
        (&format!("AccountName=ada;{key};TableEndpoint=http://azurite?sig=secret"), E::EndpointQuery("TableEndpoint")),
        ("UseDevelopmentStorage=yes", E::NotDevelopment),
        ("UseDevelopmentStorage=true;AccountName=a", E::BesideDevelopment("AccountName")),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=azurite", E::Endpoint("DevelopmentStorageProxyUri")),
    ] {
        assert_eq!(error(text), wanted, "{text}");
        assert!(!wanted.to_string().contains("secret"), "{wanted}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", parse(&format!("AccountName=ada;AccountKey={KEY}")));
    assert!(shown.contains("ada") && !shown.contains(KEY) && !shown.contains(&format!("{:?}", b"secret key")), "{shown}");
    let shown = format!("{:?}", parse("AccountName=ada;SharedAccessSignature=sv=1&sig=secret"));
    assert!(!shown.contains("secret"), "{shown}");
}

proptest! {
    #[test]
    fn any_text_is_understood_or_refused(text in ".{0,200}") {
        let _ = text.parse::<ConnectionString>();
    }

    #[test]
    fn order_case_and_semicolons_do_not_matter(
        order in Just(vec!["AccountName=ada", "AccountKey=c2VjcmV0", "DefaultEndpointsProtocol=http", "EndpointSuffix=example.org"]).prop_shuffle(),
        upper in any::<[bool; 4]>(),
        gap in ";{1,3}",
    ) {
        let parts = order.iter().zip(upper).map(|(part, upper)| match part.split_once('=') {
            Some((name, value)) if upper => format!("{}={value}", name.to_uppercase()),
            _ => (*part).to_owned(),
        });
        let text = parts.collect::<Vec<_>>().join(&gap) + &gap;
        prop_assert_eq!(parse(&text), parse("AccountName=ada;AccountKey=c2VjcmV0;DefaultEndpointsProtocol=http;EndpointSuffix=example.org"));
    }

    #[test]
    fn no_error_holds_a_value(
        names in prop::collection::vec(prop::sample::select(vec![
            "UseDevelopmentStorage", "DevelopmentStorageProxyUri", "AccountName", "AccountKey", "EndpointSuffix", "SharedAccessSignature", "BlobEndpoint", "x",
        ]), 1..5),
        wrap in prop::sample::select(vec!["TOPSECRET", "TOP SECRET", "http://TOPSECRET", "sig=TOPSECRET", "http://h?TOPSECRET", "!TOPSECRET"]),
    ) {
        let text = names.iter().map(|name| format!("{name}={wrap}")).collect::<Vec<_>>().join(";") + ";TOPSECRET";
        let error = error(&text);
        prop_assert!(!format!("{error} {error:?}").contains("SECRET"), "{}", error);
    }
}
