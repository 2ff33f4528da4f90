//! Asking the operator something that only the hosts know, through the API server's service proxy. It needs
//! neither an SSH key nor a Secret: a token that is good for this alone is made for a ServiceAccount that may
//! ask.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use hapair_model::answers::{AUDIENCE, PORT, Refused, TOKEN_HEADER};
use http::Request;
use http_body_util::BodyExt;
use jiff::Timestamp;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams, client::Body};
use serde::de::DeserializeOwned;

use crate::{access::Session, overview};

/// The operator's Service.
const SERVICE: &str = "hapair-operator";
/// Seconds for which a token holds: the shortest that the API server makes.
const HOLDS: i64 = 600;

/// Longer than the operator waits for a host.
const PATIENCE: Duration = Duration::from_secs(120);

/// In whose name the operator is asked.
#[derive(Args, Clone, Debug)]
pub struct Asker {
    /// The ServiceAccount in whose name the operator is asked: NAME in the operator's namespace, or
    /// NAMESPACE/NAME.
    #[arg(long, default_value = "hapair-asker")]
    service_account: String,
}

/// Asks, and reads the answer. `what` is the end of the path, `body` what is sent along.
pub async fn ask<T: DeserializeOwned>(
    session: &Session,
    asker: &Asker,
    pair: &str,
    what: &str,
    body: Option<Vec<u8>>,
) -> Result<T> {
    let token = token(session, asker).await?;
    let (namespace, operator) = (&session.namespace, &session.operator_namespace);
    let path = format!(
        "/api/v1/namespaces/{operator}/services/{SERVICE}:{PORT}/proxy/v1alpha1/namespaces/{namespace}/hapairs/{pair}/{what}"
    );
    let request = match body {
        None => Request::get(path).header(TOKEN_HEADER, token).body(Body::empty()),
        Some(body) => Request::post(path)
            .header(TOKEN_HEADER, token)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Body::from(body)),
    };
    let request = request?;
    let exchange = async {
        let response = session
            .client
            .send(request)
            .await
            .context("the API server cannot be asked")?;
        let code = response.status();
        anyhow::Ok((
            code,
            response
                .into_body()
                .collect()
                .await
                .context("the answer was cut off")?
                .to_bytes(),
        ))
    };
    let (code, answer) = match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(exchanged) => exchanged?,
        Err(_) => bail!(
            "{}the operator gave no answer within {} s",
            silence(session).await,
            PATIENCE.as_secs()
        ),
    };
    if code.is_success() {
        return serde_json::from_slice(&answer)
            .context("the operator's answer is not understood; is it of another version than this plugin?");
    }
    if let Ok(Refused { refused }) = serde_json::from_slice(&answer) {
        return Err(anyhow!("{refused}"));
    }
    let said = said_by_api_server(&answer);
    Err(match code.as_u16() {
        403 => anyhow!(
            "you may not reach the operator. The rule that allows it: apiGroups: [\"\"], resources: \
             [services/proxy], resourceNames: \
             [\"{SERVICE}:{PORT}\"], verbs: [get, create], in namespace {operator:?}. The API server says: \
             {said}"
        ),
        404 => anyhow!(
            "there is no Service {SERVICE} in namespace {operator:?} (--operator-namespace names another). \
             The API server says: {said}"
        ),
        _ => {
            anyhow!(
                "{}nobody answers at the Service {SERVICE} in namespace {operator:?}: {said}",
                silence(session).await
            )
        }
    })
}

/// That the operator is silent, if it is; it comes first.
async fn silence(session: &Session) -> String {
    overview::operator(session)
        .await
        .silence(Timestamp::now())
        .map(|words| words + " ")
        .unwrap_or_default()
}

async fn token(session: &Session, asker: &Asker) -> Result<String> {
    let (namespace, name) = asker
        .service_account
        .split_once('/')
        .unwrap_or((&session.operator_namespace, &asker.service_account));
    let accounts: Api<ServiceAccount> = Api::namespaced(session.client.clone(), namespace);
    let spec = TokenRequestSpec {
        audiences: Some(vec![AUDIENCE.into()]),
        expiration_seconds: Some(HOLDS),
        ..TokenRequestSpec::default()
    };
    let request = TokenRequest {
        spec: Some(spec),
        ..TokenRequest::default()
    };
    match accounts
        .create_token_request(name, &PostParams::default(), &request)
        .await
    {
        Ok(answer) => answer
            .status
            .and_then(|status| status.token)
            .context("the API server made no token"),
        Err(kube::Error::Api(status)) if status.code == 403 => Err(anyhow!(
            "you may not ask in the name of the ServiceAccount {namespace}/{name}. The rule that allows it: \
             apiGroups: [\"\"], resources: \
             [serviceaccounts/token], resourceNames: [{name}], verbs: [create], in namespace {namespace:?}. \
             The API server says: {}",
            status.message
        )),
        Err(kube::Error::Api(status)) if status.code == 404 => Err(anyhow!(
            "there is no ServiceAccount {namespace}/{name} to ask in the name of (--service-account names \
             another; the chart makes it with \
             ask.enabled)"
        )),
        Err(error) => Err(error).context("no token could be had"),
    }
}

/// The message of a Status, or the beginning of whatever it is.
fn said_by_api_server(answer: &[u8]) -> String {
    let message = serde_json::from_slice::<serde_json::Value>(answer)
        .ok()
        .and_then(|status| Some(status["message"].as_str()?.to_owned()));
    message.unwrap_or_else(|| String::from_utf8_lossy(answer).trim().chars().take(200).collect())
}
