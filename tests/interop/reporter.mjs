// Reports each test as one line of JSON: node --test --test-reporter=./reporter.mjs
export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite") continue;
    const error = data.details?.error;
    const text = error && String(error.cause?.stack ?? error.cause ?? error.stack ?? error);
    const line = { file: data.file, name: data.name, passed: type === "test:pass", error: text };
    yield `${JSON.stringify({ ...line, skipped: data.skip ?? null, ms: data.details?.duration_ms })}\n`;
  }
}
