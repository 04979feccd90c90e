//! Replaces `%names%` with app settings.

use super::error::ExpressionError;

/// The text with each `%name%` replaced by the setting of that name, left to right; what was put in is not looked at again.
///
/// # Errors
/// A `%` without another, or with nothing before it, or a name that no setting has.
pub fn replace_settings(text: &str, settings: &dyn Fn(&str) -> Option<String>) -> Result<String, ExpressionError> {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        let (name, after) = after.split_once('%').ok_or(ExpressionError::UnclosedSetting)?;
        if name.is_empty() {
            return Err(ExpressionError::UnnamedSetting);
        }
        replaced.push_str(before);
        replaced.push_str(&settings(name).ok_or_else(|| ExpressionError::MissingSetting(name.to_owned()))?);
        rest = after;
    }
    replaced.push_str(rest);
    Ok(replaced)
}
