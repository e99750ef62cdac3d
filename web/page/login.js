// The sign-in form. A wrong secret, a wait and a device that is away are told
// apart, in words, beside the field.

import { h } from '../edgecam/view.js';
import { t } from '../texts.js';
import * as api from './api.js';

/** showLogin fills and shows the section; it resolves when somebody has signed in. */
export function showLogin(section, { name, error = '' } = {}) {
  return new Promise((resolve) => {
    const input = h('input', { id: 'secret', name: 'secret', type: 'password', autocomplete: 'current-password', autocapitalize: 'none', spellcheck: 'false', required: true, 'aria-describedby': 'login-hint login-error' });
    const show = h('button', { type: 'button', 'aria-controls': 'secret', 'aria-pressed': 'false' }, t('loginShow'));
    const message = h('p', { id: 'login-error', class: 'error', role: 'alert' }, error);
    const submit = h('button', { type: 'submit', class: 'button main' }, t('loginButton'));
    let countdown = 0;

    show.onclick = () => {
      const hidden = input.type === 'password';
      input.type = hidden ? 'text' : 'password';
      show.textContent = t(hidden ? 'loginHide' : 'loginShow');
      show.setAttribute('aria-pressed', String(hidden));
    };
    const fail = (text) => {
      message.textContent = text;
      input.setAttribute('aria-invalid', 'true');
      input.focus();
      input.select();
    };
    const wait = (seconds) => {
      const until = Date.now() + seconds * 1000;
      const tick = () => {
        const left = Math.ceil((until - Date.now()) / 1000);
        submit.disabled = left > 0;
        message.textContent = left > 0 ? t('loginWait', { seconds: left }) : '';
        if (left <= 0) clearInterval(countdown);
      };
      clearInterval(countdown);
      countdown = setInterval(tick, 1000);
      tick();
    };
    const form = h('form', { novalidate: true, method: 'post', action: '/api/login' },
      h('img', { src: 'favicon.svg', alt: '', width: '48', height: '48' }),
      h('h2', { id: 'login-title' }, t('loginTitle', { name: name || t('product') })),
      h('p', { class: 'lead' }, t('loginLead')),
      h('input', { type: 'text', name: 'username', autocomplete: 'username', value: 'owner', hidden: true }), // for password managers
      h('label', { for: 'secret' }, t('loginLabel')),
      h('div', { class: 'field' }, input, show),
      message, submit,
      h('p', { id: 'login-hint', class: 'hint' }, t('loginHint')));
    form.onsubmit = async (e) => {
      e.preventDefault();
      const secret = input.value.trim();
      if (!secret) return fail(t('loginEmpty'));
      submit.disabled = true;
      submit.textContent = t('loginBusy');
      message.textContent = '';
      input.removeAttribute('aria-invalid');
      try {
        await api.login(secret);
        input.value = '';
        clearInterval(countdown);
        section.hidden = true;
        section.replaceChildren();
        resolve();
      } catch (error) {
        submit.disabled = false;
        if (error.status === 429) wait(error.retryAfter || 10);
        else if (error.status === 401 || error.status === 403) fail(t('loginWrong'));
        else if (error.status === 0) fail(t('loginNetwork'));
        else fail(error.message);
      } finally {
        submit.textContent = t('loginButton');
      }
    };
    section.replaceChildren(form);
    section.hidden = false;
    input.focus();
  });
}
