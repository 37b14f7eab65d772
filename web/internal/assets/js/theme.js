// @ts-check The theme is stored in a cookie, so that the server sends the next page with it.
import { base } from './base.js';

export function theme() {
  const form = document.getElementById('theme');
  form?.addEventListener('submit', (e) => {
    e.preventDefault();
    const root = document.documentElement;
    const chosen = root.dataset.theme;
    const dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    const next = dark ? 'light' : 'dark';
    root.dataset.theme = next;
    const secure = location.protocol === 'https:' ? '; secure' : '';
    document.cookie = `swarmcall_theme=${next}; path=${base}/; max-age=31536000; samesite=lax${secure}`;
    const button = form.querySelector('button');
    button?.setAttribute('aria-label', 'Theme: change to ' + (dark ? 'dark' : 'light'));
    button?.setAttribute('value', dark ? 'dark' : 'light');
  });
}
