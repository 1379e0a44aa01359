// Asks a server for everything that npm's `graphql-http` audits and prints each audit's result, one JSON object a line:
//   node audit.js URL
import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);

for (const audit of serverAudits({ url, fetchFn: fetch })) {
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ event: status, name: audit.name, reason }));
}
