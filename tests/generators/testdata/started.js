import http from 'k6/http';
import { sleep } from 'k6';

export const options = {
  scenarios: { main: { executor: 'externally-controlled', vus: 2, maxVUs: 4, duration: '0' } },
};

export default function () {
  http.get(__ENV.TARGET);
  sleep(0.05);
}
