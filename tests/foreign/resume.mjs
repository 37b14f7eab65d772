// Follows the stream of commands from its beginning, and prints the id and the name of each event. The package
// reconnects on its own with Last-Event-ID; the test cuts the connection, and compares the output with the log.
import { EventSource } from "eventsource";

const stream = new EventSource(`${process.argv[2]}/commands/stream?after=0`);
for (const name of ["issued", "closed", "late", "reset", "gap"]) {
  stream.addEventListener(name, (e) => process.stdout.write(`${e.lastEventId} ${name}\n`));
}
stream.addEventListener("error", (e) => {
  if (stream.readyState === EventSource.CLOSED) {
    process.stderr.write(`gave up: ${e.code} ${e.message}\n`);
    process.exitCode = 1;
  }
});
process.stdin.on("end", () => stream.close()).resume(); // ends with the test, however that ends
