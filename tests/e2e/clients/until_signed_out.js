/**
 * Options with which a graphql-sse client connects again for as long as it is signed in.
 *
 * By itself graphql-sse gives up after five attempts, and until then also tries again with a token that has ended.
 */
export function untilSignedOut(pause = () => 1000 + Math.random() * 4000) {
  let refusal;
  return {
    retryAttempts: Infinity,
    async fetchFn(...request) {
      const response = await fetch(...request);
      if (response.status === 401) refusal = (await response.clone().json()).errors;
      return response;
    },
    async retry() {
      if (refusal) throw refusal; // reaches the sink's error: the first one's extensions.reason says why
      await new Promise((resolve) => setTimeout(resolve, pause()));
    },
  };
}
