// Retry and waive: a dialog asks for the reason and for who answers for it.
import { send } from './service.js';

const $ = (id) => document.getElementById(id);

export const DEEDS = {
  retry: ['Retry', 'It becomes due at once, and its attempts are counted anew.'],
  waive: ['Waive', 'It ends without proof (grade W): the person named here answers for it. This cannot be taken back.'],
};

/** What is shown is out of date: the key is gone, or somebody else ended the revocation. */
const OUT_OF_DATE = new Set([401, 403, 409]);

/**
 * Asks for a reason, and records it. What could not be sent can be sent again.
 * @param {string} deed @param {string} targetId @param {(options?: object) => Promise<void>} show shows the page anew
 */
export function ask(deed, targetId, show) {
  const [title, help] = DEEDS[deed];
  const dialog = $('ask');
  const form = dialog.querySelector('form');
  form.reset();
  $('ask-title').textContent = `${title} ${targetId}`;
  $('ask-help').textContent = help;
  $('ask-error').textContent = '';
  $('ask-by').required = deed === 'waive';
  form.onsubmit = async (event) => {
    event.preventDefault();
    const { reason, by } = Object.fromEntries(new FormData(form));
    $('ask-error').textContent = '';
    $('ask-record').disabled = true;
    try {
      const body = by.trim() === '' ? { reason } : { reason, by };
      await send(`/v1/revocations/${encodeURIComponent(targetId)}/${deed}`, body);
      dialog.close();
      await show({ announcement: `${title} of ${targetId} was recorded.` });
    } catch (error) {
      if (!OUT_OF_DATE.has(error.status)) return void ($('ask-error').textContent = error.message);
      dialog.close();
      await show();
      $('error').textContent = error.message;
    } finally {
      $('ask-record').disabled = false;
    }
  };
  dialog.showModal();
}

/** Closes the dialog: what it asks about is not shown any more. */
export const withdraw = () => $('ask').close();

$('ask-cancel').addEventListener('click', withdraw);
