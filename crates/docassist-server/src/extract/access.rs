//! Who may call: the policy stands in the handler's type.
//!
//! [`Access`] makes a [`TenantScope`] of the organisation that a request names, after it has checked that whoever asks has the
//! role there. Without it only two kinds of handler reach an organisation: those that make and remove one, for an [`Operator`],
//! and the one for a forge's message, which proves that it knows its webhook's secret.

use std::marker::PhantomData;

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{
    HeaderStyle, Operation, Parameter, ParameterData, ParameterSchemaOrContent, QueryStyle, SchemaObject,
};
use aide::operation::add_parameters;
use axum::extract::FromRequestParts;
use docassist_app::Actor;
use docassist_app::accounts::Principal;
use docassist_model::{ErrorCode, OrgSlug, Role, TenantScope};
use hyper::header::AUTHORIZATION;
use hyper::http::request::Parts;

use super::client::Client;
use super::query::ORG;
use crate::problem::Problem;
use crate::state::AppState;

/// The header that names the organisation.
pub(crate) const ORG_HEADER: &str = "docassist-org";
/// The name of the way to prove who asks, in the OpenAPI document.
pub(crate) const SECURITY: &str = "bearer";

/// The least role that a handler asks for.
pub trait Policy: Send + Sync + 'static {
    /// The role.
    const ROLE: Role;
}

/// Those who may ask.
#[derive(Debug, Clone, Copy)]
pub struct Viewer;
/// Those who may also bring sources up to date.
#[derive(Debug, Clone, Copy)]
pub struct Member;
/// Those who may also decide on sources, members, keys and the cache.
#[derive(Debug, Clone, Copy)]
pub struct Admin;

impl Policy for Viewer {
    const ROLE: Role = Role::Viewer;
}
impl Policy for Member {
    const ROLE: Role = Role::Member;
}
impl Policy for Admin {
    const ROLE: Role = Role::Admin;
}

/// The right to work on the organisation that a request names, with at least the role of the policy.
#[derive(Debug, Clone)]
pub struct Access<P> {
    /// Whose data.
    pub scope: TenantScope,
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub client: Client,
    policy: PhantomData<P>,
}

impl<P> Access<P> {
    /// For the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::of(&self.principal, &self.client.address())
    }
}

/// Somebody who has proved who they are, whatever they may.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// Who.
    pub principal: Principal,
    /// From where.
    pub client: Client,
}

impl Authenticated {
    /// For the audit log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::of(&self.principal, &self.client.address())
    }
}

/// Somebody who runs the service, in person.
#[derive(Debug, Clone)]
pub struct Operator(pub Authenticated);

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let client = parts.extensions.get::<Client>().cloned().unwrap_or_default();
        let credential = bearer(parts)?;
        let principal = match state.service.accounts.remembered(credential) {
            Some(principal) => principal,
            None => {
                let (credential, state) = (credential.to_owned(), state.clone());
                state.clone().blocking(move |service| service.accounts.authenticate(&credential)).await?
            }
        };
        state.limits.check_user(principal.user().id)?;
        Ok(Self { principal, client })
    }
}

/// What stands after `Bearer`.
fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let value = parts.headers.get(AUTHORIZATION).ok_or_else(|| {
        Problem::new(ErrorCode::Unauthenticated, "nothing proves who asks")
            .hint("Send `Authorization: Bearer` and an access token or an API key.")
    })?;
    let text = value.to_str().unwrap_or_default();
    let scheme = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    scheme.map(|_| text[7..].trim()).ok_or_else(|| {
        Problem::new(ErrorCode::Unauthenticated, "the authorisation is of no scheme that is known")
            .hint("Send `Authorization: Bearer` and an access token or an API key.")
    })
}

/// The organisation that the request names, if it names one.
fn named_org(parts: &Parts) -> Result<Option<OrgSlug>, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let mut named: Option<String> = None;
    let headers = parts.headers.get_all(ORG_HEADER).iter().map(|value| value.to_str().unwrap_or("?").to_owned());
    let in_query = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(name, _)| *name == ORG);
    // A slug has no character that would be encoded.
    for name in headers.chain(in_query.map(|(_, value)| value.to_owned())) {
        if named.as_ref().is_some_and(|named| *named != name) {
            return Err(Problem::new(ErrorCode::InvalidInput, "two different organisations are named"));
        }
        named = Some(name);
    }
    named
        .map(|name| name.parse().map_err(|error| Problem::new(ErrorCode::InvalidInput, format!("{error}"))))
        .transpose()
}

impl<P: Policy> FromRequestParts<AppState> for Access<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Authenticated { principal, client } = Authenticated::from_request_parts(parts, state).await?;
        let accounts = &state.service.accounts;
        let org = match named_org(parts)? {
            Some(org) => org,
            None => accounts.usual_org(&principal)?,
        };
        let member = principal.standing.memberships.iter().any(|membership| membership.org == org);
        let role = if principal.user().operator && !member {
            // Whether there is such an organisation is read from the store.
            let (principal, org) = (principal.clone(), org.clone());
            state.clone().blocking(move |service| service.accounts.role_in(&principal, &org)).await?
        } else {
            accounts.role_in(&principal, &org)?
        };
        if role < P::ROLE {
            let message = format!("that takes a {}, and you are {}", P::ROLE.as_str(), role.as_str());
            return Err(Problem::new(ErrorCode::Forbidden, message));
        }
        let scope = TenantScope::unchecked(org, "the role of whoever asks was checked just above");
        Ok(Self { scope, principal, client, policy: PhantomData })
    }
}

impl FromRequestParts<AppState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let authenticated = Authenticated::from_request_parts(parts, state).await?;
        if !authenticated.principal.is_operator() {
            return Err(Problem::new(ErrorCode::Forbidden, "that takes somebody who runs the service"));
        }
        Ok(Self(authenticated))
    }
}

fn needs_proof(operation: &mut Operation, role: &str) {
    operation.security = vec![[(SECURITY.to_owned(), Vec::new())].into_iter().collect()];
    // Readers and tests see the policy where they see the route.
    operation.extensions.insert("x-role".to_owned(), role.into());
}

fn parameter_data(name: &str, ctx: &mut GenContext) -> ParameterData {
    let schema = ctx.schema.subschema_for::<OrgSlug>();
    ParameterData {
        name: name.to_owned(),
        description: Some("The organisation; not needed with an API key, or as a member of one only.".to_owned()),
        required: false,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(SchemaObject {
            json_schema: schema,
            example: None,
            external_docs: None,
        }),
        example: None,
        examples: Default::default(),
        explode: None,
        extensions: Default::default(),
    }
}

impl<P: Policy> OperationInput for Access<P> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        needs_proof(operation, P::ROLE.as_str());
        let header =
            Parameter::Header { parameter_data: parameter_data("Docassist-Org", ctx), style: HeaderStyle::Simple };
        let query = Parameter::Query {
            parameter_data: parameter_data(ORG, ctx),
            allow_reserved: false,
            style: QueryStyle::Form,
            allow_empty_value: None,
        };
        add_parameters(ctx, operation, [header, query]);
    }
}

impl OperationInput for Authenticated {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        needs_proof(operation, "user");
    }
}

impl OperationInput for Operator {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        needs_proof(operation, "operator");
    }
}

/// Those who may see figures of the whole service, which name organisations: whoever runs it, and this machine itself,
/// unless somebody forwards requests to it.
#[derive(Debug, Clone, Copy)]
pub struct Local;

impl FromRequestParts<AppState> for Local {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let client = parts.extensions.get::<Client>().cloned().unwrap_or_default();
        if client.address.is_loopback() && !client.forwarded {
            return Ok(Self);
        }
        Operator::from_request_parts(parts, state).await.map(|_| Self)
    }
}

impl OperationInput for Local {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        operation.extensions.insert("x-role".to_owned(), "local or operator".into());
    }
}
