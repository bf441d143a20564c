//! Prompts that do not fit into the context of a server. Pure.

use crate::serve::control::Grow;

/// The figures of a prompt that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow {
    /// Tokens that the prompt has at least.
    pub prompt: u64,
    /// Tokens of the context.
    pub context: u64,
}

impl Overflow {
    /// Returns the context that the model is loaded with once more for this prompt, of which a request wishes for `wish`
    /// tokens; `None` where the server has as many already, or where the prompt would not fit either.
    pub fn larger(self, wish: Option<u32>) -> Option<Grow> {
        let does_not_fit = self.prompt >= self.context;
        let to = wish.filter(|wish| does_not_fit && u64::from(*wish) > self.context.max(self.prompt))?;
        Some(Grow { to, prompt: self.prompt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_context_grows_only_to_what_the_request_asks_for() {
        let overflow = Overflow { prompt: 5_000, context: 4_096 };
        assert_eq!(overflow.larger(Some(8_192)), Some(Grow { to: 8_192, prompt: 5_000 }));
        for wish in [None, Some(2_048), Some(4_096), Some(5_000)] {
            assert_eq!(overflow.larger(wish), None, "{wish:?}");
        }
    }

    proptest! {
        /// Clients that send another number each time would have the model loaded again for each request.
        #[test]
        fn nothing_is_loaded_again_for_a_prompt_that_fits(prompt in 0..70_000_u64, context in 0..70_000_u64, wish in any::<Option<u32>>()) {
            if let Some(Grow { to, .. }) = (Overflow { prompt, context }).larger(wish) {
                prop_assert!(prompt >= context && u64::from(to) > prompt && u64::from(to) > context);
                // The same wish does nothing the next time.
                let next = Overflow { prompt, context: u64::from(to) };
                prop_assert_eq!(next.larger(wish), None);
            }
        }
    }
}
