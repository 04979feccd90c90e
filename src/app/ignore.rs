//! .funcignore: which files of an app are for those alone who write it. The syntax is that of .gitignore.

use super::folder::{FileError, Folder};

/// The file's name.
pub const FILE: &str = ".funcignore";

/// What the file says.
#[derive(Debug)]
pub struct Ignored {
    rules: Vec<Rule>,
}

/// A line.
#[derive(Debug)]
struct Rule {
    parts: Vec<Part>,
    /// Whether it begins with `!`: what it names stays.
    keeps: bool,
    /// Whether it ends with `/`.
    folders_alone: bool,
}

/// What is between two slashes of a rule.
#[derive(Debug)]
enum Part {
    /// `**`: any number of folders, none too.
    Folders,
    Name(Vec<Token>),
}

/// What is in a name of a rule.
#[derive(Debug)]
enum Token {
    /// `*`: any number of letters, none too.
    Letters,
    /// `?`
    Letter,
    Exactly(char),
    /// `[a-z]`; with `!` or `^` first all but these.
    OneOf {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

// === impl Ignored ===

impl Ignored {
    /// Reads the file; nothing where there is none.
    pub(crate) fn read(folder: &Folder) -> Result<Option<Ignored>, FileError> {
        Ok(folder.read(FILE)?.map(|bytes| Ignored::parse(&String::from_utf8_lossy(&bytes))))
    }

    fn parse(text: &str) -> Ignored {
        Ignored { rules: text.trim_start_matches('\u{feff}').lines().filter_map(Rule::parse).collect() }
    }

    /// Whether a file or a folder, with all that is in it, is left out. Of the rules that name it the last counts. `path` is relative to the app, with
    /// slashes.
    pub(crate) fn leaves_out(&self, path: &str, is_folder: bool) -> bool {
        let names: Vec<Vec<char>> = path.split('/').map(|name| name.chars().collect()).collect();
        let rule = self.rules.iter().rev().find(|rule| (is_folder || !rule.folders_alone) && rule.names(&names));
        rule.is_some_and(|rule| !rule.keeps)
    }
}

// === impl Rule ===

impl Rule {
    fn parse(line: &str) -> Option<Rule> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let (keeps, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folders_alone, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let written = line.strip_prefix('/').unwrap_or(line);
        if written.is_empty() {
            return None;
        }
        let mut parts: Vec<Part> = written.split('/').map(Part::parse).collect();
        if !line.contains('/') {
            // Without a slash it names what is in folders too.
            parts.insert(0, Part::Folders);
        }
        if matches!(parts.last(), Some(Part::Folders)) {
            // What is in a folder, not the folder.
            parts.push(Part::Name(vec![Token::Letters]));
        }
        Some(Rule { parts, keeps, folders_alone })
    }

    fn names(&self, path: &[Vec<char>]) -> bool {
        let fits = |part: &Part, name: &Vec<char>| match part {
            Part::Folders => false,
            Part::Name(tokens) => covers(tokens, name, |token| matches!(token, Token::Letters), Token::is),
        };
        covers(&self.parts, path, |part| matches!(part, Part::Folders), fits)
    }
}

// === impl Part ===

impl Part {
    fn parse(text: &str) -> Part {
        if text == "**" {
            return Part::Folders;
        }
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let after = rest.get(first.len_utf8()..).unwrap_or_default();
            let set = if first == '[' { Token::one_of(after) } else { None };
            let (token, left) = match (first, set) {
                (_, Some(set)) => set,
                ('*', _) => (Token::Letters, after),
                ('?', _) => (Token::Letter, after),
                ('\\', _) => match after.chars().next() {
                    Some(escaped) => (Token::Exactly(escaped), after.get(escaped.len_utf8()..).unwrap_or_default()),
                    None => (Token::Exactly(first), after),
                },
                _ => (Token::Exactly(first), after),
            };
            tokens.push(token);
            rest = left;
        }
        Part::Name(tokens)
    }
}

// === impl Token ===

impl Token {
    /// What comes after a `[`, and the text behind its `]`; nothing where there is none.
    fn one_of(text: &str) -> Option<(Token, &str)> {
        let (negated, inside) = match text.strip_prefix(['!', '^']) {
            Some(inside) => (true, inside),
            None => (false, text),
        };
        // One that comes first is meant as a letter.
        let end = inside.char_indices().skip(1).find(|(_, letter)| *letter == ']')?.0;
        let letters: Vec<char> = inside.get(..end)?.chars().collect();
        let mut ranges = Vec::new();
        let mut left = letters.as_slice();
        while let [first, rest @ ..] = left {
            let (last, rest) = match rest {
                ['-', last, rest @ ..] => (last, rest),
                _ => (first, rest),
            };
            ranges.push((*first, *last));
            left = rest;
        }
        Some((Token::OneOf { ranges, negated }, inside.get(end + 1..)?))
    }

    fn is(&self, letter: &char) -> bool {
        match self {
            Token::Letters => false,
            Token::Letter => true,
            Token::Exactly(expected) => expected == letter,
            Token::OneOf { ranges, negated } => ranges.iter().any(|(first, last)| (first..=last).contains(&letter)) != *negated,
        }
    }
}

/// Whether a pattern covers all of a text, where some of its parts stand for any number of the text's. Takes at most as many steps as the product of both
/// lengths: only what the last such part stands for is ever tried anew.
fn covers<P, T>(pattern: &[P], text: &[T], is_any: impl Fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    let mut last_any: Option<(&[P], &[T])> = None;
    loop {
        match (pattern, text) {
            ([part, rest @ ..], _) if is_any(part) => {
                (pattern, last_any) = (rest, Some((rest, text)));
            }
            ([], []) => return true,
            ([part, rest @ ..], [one, behind @ ..]) if fits(part, one) => (pattern, text) = (rest, behind),
            _ => match last_any {
                Some((after, [_, behind @ ..])) => {
                    (pattern, text, last_any) = (after, behind, Some((after, behind)));
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn left_out(rules: &str, path: &str) -> bool {
        Ignored::parse(rules).leaves_out(path.trim_end_matches('/'), path.ends_with('/'))
    }

    #[test]
    fn rules_are_those_of_gitignore() {
        let cases = [
            ("test", vec!["test", "test/", "a/test", "a/b/test/"], vec!["tests", "test.py", "a/test1"]),
            ("*.pyc", vec!["a.pyc", "a/b.pyc", ".pyc"], vec!["a.pyc2", "pyc"]),
            ("/build", vec!["build", "build/"], vec!["a/build"]),
            ("tests/", vec!["tests/", "a/tests/"], vec!["tests"]),
            ("docs/*.md", vec!["docs/a.md"], vec!["docs/a/b.md", "x/docs/a.md", "docs/"]),
            ("a/**", vec!["a/b", "a/b/c/"], vec!["a/", "b/a/c"]),
            ("**/x", vec!["x", "a/x", "a/b/x"], vec!["xx"]),
            ("a/**/b", vec!["a/b", "a/x/b", "a/x/y/b"], vec!["a/bb", "c/a/b"]),
            ("__azurite_db*__.json", vec!["__azurite_db_blob__.json"], vec!["__azurite.json"]),
            ("?.[a-c]", vec!["1.a", "d/2.c"], vec!["1.d", "12.a"]),
            ("x[!0-9]", vec!["xa"], vec!["x1", "x"]),
            ("a[", vec!["a["], vec!["a"]),
            ("\\#a\\*", vec!["#a*"], vec!["#ab"]),
            ("# a\n\n  \nb  \r\n", vec!["b"], vec!["a", "# a"]),
            ("*.env\n!keep.env", vec!["a.env"], vec!["keep.env", "d/keep.env"]),
            ("!a\na", vec!["a"], vec!["b"]),
            ("/", vec![], vec!["a"]),
        ];
        for (rules, out, kept) in cases {
            for path in out {
                assert!(left_out(rules, path), "{rules:?} leaves {path} out");
            }
            for path in kept {
                assert!(!left_out(rules, path), "{rules:?} keeps {path}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken(rules in "[a*?/!#\\[\\]\\\\ \n-]{0,40}", path in "[a/]{1,20}") {
            left_out(&rules, &path);
        }
    }
}
