// Package locust turns Locust into a driver, with its web API. Locust is a process that the driver starts, or one that
// already runs, such as a master of many workers.
//
// What Locust does, from its source at 2.12.1 and from tests:
//
//   - POST /swarm answers success before anything has started, and even if there is no worker; errors have status 200.
//     So the driver does not trust this answer: it acks a command when state and user_count show its effect.
//   - GET /stats/requests is cached for 2 s, which is too late for an ack. The page at / is rendered for each request
//     from state, user_count and worker_count; the driver reads them there, in the form of old and new versions.
//   - GET /stop answers when no users are left, after at most a minute. It runs in the background, and the driver reads
//     the page meanwhile.
//   - spawn_rate is for the whole swarm, and users are spawned in batches once per second.
//   - A LoadTestShape overrides the requested users. The driver stops it, and rejects the command.
package locust
