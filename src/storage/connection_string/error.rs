//! What is wrong with a connection string, in words for the person who wrote it. None of them repeats a value: any may be secret.

use thiserror::Error;

/// Why a connection string can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConnectionStringError {
    /// Nothing.
    #[error("it is empty: copy it from the portal, or write UseDevelopmentStorage=true for an emulator on this machine")]
    Empty,
    /// `AccountName=a;b`
    #[error("its part {0} has no `=`: parts are NAME=VALUE, with semicolons between them")]
    NoEquals(usize),
    /// `AccountName=a;AccountName=b`
    #[error("it has {0} twice: remove one")]
    Twice(&'static str),
    /// `AccountName=`
    #[error("its {0} is empty: give it a value or remove it")]
    NoValue(&'static str),
    /// Neither endpoints nor an account.
    #[error(
        "it has no AccountName: add it, or the services' endpoints (BlobEndpoint, QueueEndpoint, TableEndpoint) with a SharedAccessSignature"
    )]
    NoAccountName,
    /// An account that nothing opens.
    #[error("it has neither AccountKey nor SharedAccessSignature: add one of them")]
    NoCredential,
    /// `AccountName=a b`
    #[error("its AccountName is no name of a storage account: that takes letters, digits and hyphens")]
    AccountName,
    /// `AccountKey=?`
    #[error("its AccountKey is not Base64: copy the whole key, with the `=` at its end")]
    AccountKey,
    /// `SharedAccessSignature=a b`
    #[error("its SharedAccessSignature is no shared access signature: that is a query with a `sig`, such as sv=...&sig=...")]
    SharedAccessSignature,
    /// `DefaultEndpointsProtocol=ftp`
    #[error("its DefaultEndpointsProtocol is neither http nor https: use https")]
    Protocol,
    /// `EndpointSuffix=https://x`
    #[error("its EndpointSuffix is no name of a host, such as core.windows.net")]
    EndpointSuffix,
    /// `BlobEndpoint=x`
    #[error("its {0} is no http or https address of a service, such as https://NAME.blob.core.windows.net")]
    Endpoint(&'static str),
    /// `BlobEndpoint=https://x?sv=...`
    #[error("its {0} has a query: move that to SharedAccessSignature")]
    EndpointQuery(&'static str),
    /// `UseDevelopmentStorage=1`
    #[error("its UseDevelopmentStorage is not `true`: write UseDevelopmentStorage=true, or leave it out")]
    NotDevelopment,
    /// `UseDevelopmentStorage=true;AccountName=a`
    #[error("it has {0} beside UseDevelopmentStorage=true, which says all: remove one of the two")]
    BesideDevelopment(&'static str),
}
