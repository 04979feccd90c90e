//! (being written)
#![allow(missing_docs, clippy::all)]
use http::Method;
#[derive(Debug)]
pub struct Route<T> {
    pub function: String,
    pub template: String,
    pub methods: Option<Vec<Method>>,
    pub target: T,
}
#[derive(Debug)]
pub struct RouteTable<T> {
    prefix: String,
    routes: Vec<Route<T>>,
    paths: Vec<String>,
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct RouteError;
impl RouteError {
    pub fn functions(&self) -> Vec<&str> {
        vec![]
    }
}
pub struct Found<'a, T> {
    pub target: &'a T,
    pub values: RouteValues,
}
pub struct RouteValues;
impl From<RouteValues> for Vec<(String, String)> {
    fn from(_: RouteValues) -> Self {
        vec![]
    }
}
impl<T> RouteTable<T> {
    pub fn build(prefix: &str, routes: Vec<Route<T>>) -> (Self, Vec<RouteError>) {
        let paths = routes.iter().map(|r| format!("/{prefix}/{}", r.template)).collect();
        (RouteTable { prefix: prefix.into(), routes, paths }, vec![])
    }
    pub fn find(&self, method: &Method, path: &str) -> Option<Found<'_, T>> {
        let i = self.paths.iter().position(|p| p == path)?;
        let _ = (method, &self.prefix);
        Some(Found { target: &self.routes[i].target, values: RouteValues })
    }
    pub fn path_of(&self, name: &str) -> Option<&str> {
        let i = self.routes.iter().position(|r| r.function == name)?;
        Some(&self.paths[i])
    }
}
