//! Who asks, and whether they may. The API server's service proxy tells neither, so the one who asks sends a
//! token made for this alone (a TokenRequest with the audience `hapair.dev`), and the API server is asked
//! about both.

use axum::http::{HeaderMap, StatusCode};
use hapair_intake::PairName;
use hapair_model::answers::{AUDIENCE, TOKEN_HEADER};
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec, UserInfo},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};

type Refused = (StatusCode, String);

/// The name of the user who sent these headers, who may `get` this subresource of the pair.
pub async fn check(
    client: &Client,
    headers: &HeaderMap,
    pair: &PairName,
    subresource: &str,
) -> Result<String, Refused> {
    let token = headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let token = token.ok_or_else(|| {
        (
            StatusCode::UNAUTHORIZED,
            format!("the header {TOKEN_HEADER} is missing"),
        )
    })?;
    let user = authenticate(client, token).await?;
    let name = user.username.clone().unwrap_or_default();
    if may_get(client, user, pair, subresource).await? {
        return Ok(name);
    }
    let refused = format!(
        "{name} may not get hapairs/{subresource} in namespace {:?}. The rule that allows it: apiGroups: \
         [hapair.dev], resources: \
         [hapairs/{subresource}], verbs: [get]",
        pair.namespace
    );
    Err((StatusCode::FORBIDDEN, refused))
}

async fn authenticate(client: &Client, token: &str) -> Result<UserInfo, Refused> {
    let spec = TokenReviewSpec {
        audiences: Some(vec![AUDIENCE.into()]),
        token: token.into(),
    };
    let review = TokenReview {
        spec,
        ..TokenReview::default()
    };
    let answer = Api::all(client.clone())
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| not_asked(&error))?;
    let status = answer.status.unwrap_or_default();
    // An authenticator that knows nothing of audiences leaves them out; its token may be good for anything.
    let is_for_us = status
        .audiences
        .is_some_and(|audiences| audiences.iter().any(|audience| audience == AUDIENCE));
    match status.user {
        Some(user) if status.authenticated == Some(true) && is_for_us => Ok(user),
        _ => {
            let why = status.error.map(|error| format!(": {error}")).unwrap_or_default();
            Err((
                StatusCode::UNAUTHORIZED,
                format!("the token is not valid for the audience {AUDIENCE}{why}"),
            ))
        }
    }
}

async fn may_get(
    client: &Client,
    user: UserInfo,
    pair: &PairName,
    subresource: &str,
) -> Result<bool, Refused> {
    let attributes = ResourceAttributes {
        group: Some("hapair.dev".into()),
        resource: Some("hapairs".into()),
        subresource: Some(subresource.into()),
        verb: Some("get".into()),
        namespace: Some(pair.namespace.clone()),
        name: Some(pair.name.clone()),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: user.username,
        uid: user.uid,
        groups: user.groups,
        extra: user.extra,
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    let review = SubjectAccessReview {
        spec,
        ..SubjectAccessReview::default()
    };
    let answer = Api::all(client.clone())
        .create(&PostParams::default(), &review)
        .await
        .map_err(|error| not_asked(&error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

fn not_asked(error: &kube::Error) -> Refused {
    let is_forbidden = matches!(error, kube::Error::Api(status) if status.code == 403);
    let needed = if is_forbidden {
        "; it needs the ClusterRole system:auth-delegator (the chart's ask.enabled)"
    } else {
        ""
    };
    (
        StatusCode::SERVICE_UNAVAILABLE,
        format!("the operator could not ask the API server who you are and what you may: {error}{needed}"),
    )
}
