import { sleep } from 'k6';

export const options = { vus: 1, duration: '60s' };

export default function () {
  sleep(1);
}
