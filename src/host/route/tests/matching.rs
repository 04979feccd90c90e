//! Which paths match, and what parameters take from them. Many rows are those of ASP.NET Core's own tests.

use super::values;

fn check(rows: &[(&str, &str, Option<&str>)]) {
    for (template, path, wanted) in rows {
        assert_eq!(values(template, path).as_deref(), *wanted, "{template} {path}");
    }
}

#[test]
fn literals() {
    check(&[
        ("moo/bar", "/moo/bar", Some("")),
        ("moo/bar", "/moo/bar/", Some("")),
        ("moo/bar", "/MOO/Bar", Some("")),
        ("moo/bar", "/moo/bar//", None),
        ("moo/bar", "/moo//bar", None),
        ("moo/bar", "//moo/bar", None),
        ("moo/bar", "/moo", None),
        ("moo/bar", "/moo/bars", None),
        ("moo/bars", "/moo/bar", None),
        ("moo/bar", "/moo/bar/x", None),
        ("moo/bar", "moo/bar", None),
        ("moo/bar", "", None),
        ("moo/bar", "*", None),
        ("/", "/", Some("")),
        ("/", "//", None),
        ("/", "/x", None),
        ("ÄPFEL", "/%C3%A4pfel", Some("")),
        ("straße", "/strasse", None),
        ("s", "/%C5%BF", None),
        ("a/..", "/a/..", Some("")),
        ("a{{b}}", "/a{B}", Some("")),
        ("a{{b}}", "/a%7Bb%7d", Some("")),
    ]);
}

#[test]
fn parameters() {
    check(&[
        ("a/{id}", "/A/Xy", Some("id=Xy")),
        ("a/{id}", "/a/x/", Some("id=x")),
        ("a/{id}", "/a/", None),
        ("a/{id}", "/a//", None),
        ("a/{id}", "/a/x/y", None),
        ("{a}/{b}/{c}", "/1/2/3", Some("a=1 b=2 c=3")),
        ("{a}/{b}/{c}", "/1//3", None),
        ("a/{id?}", "/a", Some("")),
        ("a/{id?}", "/a/", Some("")),
        ("a/{id?}", "/a/1", Some("id=1")),
        ("a/{id=5}", "/a", Some("id=5")),
        ("a/{id=5}", "/a/6", Some("id=6")),
        ("{a=1}/{b=2}/{c?}", "/", Some("a=1 b=2")),
        ("{a=1}/{b=2}/{c?}", "/x/y/z", Some("a=x b=y c=z")),
        ("{a=1}/b", "/b", None),
        ("a/{id}", "/a/.", Some("id=.")),
        ("a/{id}", "/a/..", Some("id=..")),
    ]);
}

#[test]
fn decoding() {
    check(&[
        ("{a}", "/x%20y+z", Some("a=x y+z")),
        ("{a}", "/%e4%bd%a0", Some("a=你")),
        ("{a}", "/x%2Fy%2fz", Some("a=x%2Fy%2fz")),
        ("{a}", "/x%252Fy", Some("a=x%2Fy")),
        ("{a}", "/%2520", Some("a=%20")),
        ("{a}", "/100%", Some("a=100%")),
        ("{a}", "/%zz%2", Some("a=%zz%2")),
        ("{a}", "/x%FFy%C3", Some("a=x%FFy%C3")),
        ("{a}", "/%C3%2F%A4", Some("a=%C3%2F%A4")),
        ("{a}", "/é%41", Some("a=éA")),
        ("{a}", "/%2e%2E", Some("a=..")),
        ("a%20b", "/a%2520b", Some("")),
    ]);
}

#[test]
fn catch_all() {
    check(&[
        ("a/{*rest}", "/a", Some("")),
        ("a/{*rest}", "/a/", Some("")),
        ("a/{*rest}", "/a/x", Some("rest=x")),
        ("a/{*rest}", "/a/x/Y%20z/", Some("rest=x/Y z/")),
        ("a/{**rest}", "/a/x/y", Some("rest=x/y")),
        ("a/{*rest}", "/a/x//y", Some("rest=x//y")),
        ("a/{*rest}", "/a//", None),
        ("a/{*rest}", "/a//x", None),
        ("a/{*rest}", "/b/x", None),
        ("{*rest}", "/", Some("")),
        ("{*rest}", "/x%2Fy/z", Some("rest=x%2Fy/z")),
        ("{*rest=home}", "/", Some("rest=home")),
        ("{*rest=home}", "/x", Some("rest=x")),
        ("{a}/{*rest}", "/x", Some("a=x")),
        ("{a?}/{*rest}", "/", Some("")),
        ("{a}/{*rest}", "/", None),
        ("b/{*rest}", "/", None),
    ]);
}

#[test]
fn complex_segments() {
    check(&[
        ("{a}-{b}", "/en-US", Some("a=en b=US")),
        ("{a}-{b}", "/x-y-z", Some("a=x-y b=z")),
        ("{a}-{b}", "/x-", None),
        ("{a}-{b}", "/-x", None),
        ("{a}-{b}", "/x--", Some("a=x b=-")),
        ("{a}-{b}", "/---", Some("a=- b=-")),
        ("{a}-{b}a", "/en-USa", Some("a=en b=US")),
        ("a{x}-{y}", "/aen-US", Some("x=en y=US")),
        ("a{x}-{y}a", "/aen-USa", Some("x=en y=US")),
        ("a{x}-{y}a", "/a-USa", None),
        ("a{x}-{y}a", "/aen-a", None),
        ("v{n}", "/V2", Some("n=2")),
        ("v{n}", "/v", None),
        ("v{n}", "/xv2", None),
        ("v{n}", "/v1v2", None),
        ("{n}v", "/1v2V", Some("n=1v2")),
        ("{n}v", "/1v2", None),
        ("{n}v", "/v", None),
        ("{file}.{ext}", "/a.tar.gz", Some("file=a.tar ext=gz")),
        ("{a}x{b}", "/xxxxxxxxxx", Some("a=xxxxxxxx b=x")),
        ("{a}xyz{b}", "/xxxxyzxyzxxxxxxyz", Some("a=xxxxyz b=xxxxxxyz")),
        ("{a}xyz{b}", "/xyzxyzxyzxyzxyz", Some("a=xyzxyzxyz b=xyz")),
        ("{a}aa{b}", "/aaaaa", Some("a=aa b=a")),
        ("{a}é{b}", "/1É2", Some("a=1 b=2")),
        ("{a}.{b}", "/%F0%9F%98%80.x%2Fy", Some("a=😀 b=x%2Fy")),
        ("{y}-{m}-{d}", "/2024-05-31", Some("y=2024 m=05 d=31")),
        ("{y}-{m}-{d}", "/2024-05", None),
        ("{a}.{b}/{c}", "/.foo/bar", None),
        ("x/{a}.{b}", "/x", None),
        ("({a})", "/(1)", Some("a=1")),
    ]);
}

#[test]
fn an_extension_may_be_left_out() {
    check(&[
        ("moo/{a}.{b?}", "/moo/foo.bar", Some("a=foo b=bar")),
        ("moo/{a}.{b?}", "/moo/foo", Some("a=foo")),
        ("moo/{a}.{b?}", "/moo/foo..bar", Some("a=foo. b=bar")),
        ("moo/{a}.{b?}", "/moo/foo.moo.bar", Some("a=foo.moo b=bar")),
        ("moo/{a}.{b?}", "/moo/....", Some("a=.. b=.")),
        ("moo/{a}.{b?}", "/moo/.bar", Some("a=.bar")),
        ("moo/{a}.{b?}", "/moo/foo.", None),
        ("moo/{a}.{b?}", "/moo/.", None),
        ("moo/{a}.{b?}", "/moo", None),
        ("moo/foo.{a}.{b?}", "/moo/foo.moo.bar", Some("a=moo b=bar")),
        ("moo/foo.{a}.{b?}", "/moo/foo.moo", Some("a=moo")),
        ("moo/foo.{a}.{b?}", "/moo/bar.foo.moo", None),
        ("moo/foo.{a}.{b?}", "/moo/kungfoo.moo.bar", None),
        ("moo/.{b?}", "/moo/.foo", Some("b=foo")),
        ("moo/.{b?}", "/moo/.", None),
        ("{a}.{b}.{c?}", "/foo.moo.bar", Some("a=foo b=moo c=bar")),
        ("{a}.{b}.{c?}", "/foo.moo", Some("a=foo b=moo")),
        ("{a}.{b}.{c?}", "/foo", None),
        ("{a}.{b}.{c?}", "/foo.moo.", None),
        ("{a}.{b?}/{c}", "/foo.moo/bar", Some("a=foo b=moo c=bar")),
        ("{a}.{b?}/{c}", "/foo/bar", Some("a=foo c=bar")),
    ]);
}
