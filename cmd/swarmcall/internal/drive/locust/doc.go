// Package locust makes a driver of Locust by its web API: of a process of its own, or of one that runs already, a
// master of many workers included.
//
// What Locust does, read from its source at 2.12.1 and tried:
//
//   - POST /swarm answers success before anything has started, and when there is no worker that could; errors come with
//     status 200. So its answer is worth little, and a command is acked when state and user_count say that it took
//     effect.
//   - GET /stats/requests is cached for 2 s, and so is no way to see that in time. The page at / is rendered for each
//     request from state, user_count and worker_count; they are read from there, whichever form the version gives it.
//   - GET /stop answers when the users are gone, after a minute at worst. It is left to go on, and the page is looked
//     at meanwhile.
//   - spawn_rate is of the whole swarm, and users come in batches once per second.
//   - A LoadTestShape goes before all that is asked for. It is stopped, and the command rejected.
package locust
