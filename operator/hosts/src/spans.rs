//! A span for each step of a stage, for traces: from the moments at which the host tells of the steps' ends.

use hapair_model::plan::Step;
use tracing::{Span, field::Empty, info_span};

use crate::frames;

/// The spans of a stage's steps on one host, children of the span that is current when this is made. What the
/// host does before its first step (unpack, wait for another stage's end) is part of the first.
pub struct StepSpans<'a> {
    stage: Span,
    steps: &'a [Step],
    ended: usize,
    running: Option<Span>,
}

impl<'a> StepSpans<'a> {
    /// No step has begun yet.
    pub fn new(steps: &'a [Step]) -> Self {
        Self {
            stage: Span::current(),
            steps,
            ended: 0,
            running: None,
        }
    }

    /// The host has answered this much.
    pub fn told(&mut self, answer: &[u8]) {
        if self.stage.is_disabled() {
            return;
        }
        let sections = frames::whole(answer);
        if self.running.is_none() && self.ended == 0 {
            self.begin();
        }
        for section in sections.values().skip(self.ended) {
            if let Some(step) = self.running.take() {
                step.record("exit_status", section.code);
                if section.code != 0 {
                    step.record("otel.status_code", "ERROR");
                }
            }
            self.ended += 1;
            if section.code == 0 {
                self.begin();
            }
        }
    }

    fn begin(&mut self) {
        self.running = self.steps.get(self.ended).map(|step| {
            let (name, summary) = (step.name(), step.summary());
            info_span!(parent: &self.stage, "step", otel.name = name, summary, exit_status = Empty, otel.status_code = Empty)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{Subscriber, span};
    use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _, registry::LookupSpan};

    use super::*;

    /// What became of the spans, in order.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
        fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
            if attributes.metadata().name() != "step" {
                return;
            }
            let mut name = String::new();
            attributes.record(
                &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                    if field.name() == "otel.name" {
                        name = format!("begins: {value:?}").replace('"', "");
                    }
                },
            );
            self.0.lock().unwrap().push(name);
        }

        fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
            values.record(
                &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                    self.0.lock().unwrap().push(format!("{field}: {value:?}"));
                },
            );
        }

        fn on_close(&self, id: span::Id, context: Context<'_, S>) {
            if context.span(&id).is_some_and(|span| span.name() == "step") {
                self.0.lock().unwrap().push("ends".to_owned());
            }
        }
    }

    fn spans_of(answers: &[&str]) -> Vec<String> {
        let log = Log::default();
        let steps = [Step::ReloadUnits, Step::ReloadCorosync, Step::ReloadUnits];
        tracing::subscriber::with_default(tracing_subscriber::registry().with(log.clone()), || {
            let _stage = info_span!("steps").entered();
            let mut spans = StepSpans::new(&steps);
            answers.iter().for_each(|answer| spans.told(answer.as_bytes()));
        });
        Arc::into_inner(log.0).unwrap().into_inner().unwrap()
    }

    #[test]
    fn a_step_lasts_until_the_host_tells_of_its_end() {
        let both = "section 000 0 0\n\nsection 001 0 2\nok\n";
        let told = spans_of(&["", "section 000 0 ", "section 000 0 0\n\n", both]);
        assert_eq!(
            told,
            [
                "begins: reload-units",
                "exit_status: 0",
                "ends",
                "begins: reload-corosync",
                "exit_status: 0",
                "ends",
                "begins: reload-units",
                "ends",
            ]
        );
    }

    #[test]
    fn after_a_failed_step_none_begins() {
        let told = spans_of(&["", "section 000 3 0\n\n", "section 000 3 0\n\nend\n"]);
        assert_eq!(
            told,
            [
                "begins: reload-units",
                "exit_status: 3",
                "otel.status_code: \"ERROR\"",
                "ends"
            ]
        );
    }
}
