import { ContactForm } from './components/ContactForm';
import { FailureNotice } from './components/FailureNotice';
import { ModeNote } from './components/ModeNote';
import { UploadedFiles } from './components/UploadedFiles';
import { useSubmissions } from './useSubmissions';

export function App() {
  const { state, send, refresh, download, edit } = useSubmissions();
  const { form, list, downloading, failure } = state;
  return (
    <div className="page">
      <header className="masthead">
        <h1>Contact form</h1>
        <p>What you send is stored in Dropbox, as one CSV file.</p>
      </header>
      {failure?.during === 'list' && <FailureNotice failure={failure.what} />}
      <main className="columns">
        <ContactForm
          step={form.step}
          path={form.step === 'sent' ? form.path : undefined}
          failure={failure?.during === 'send' ? failure.what : undefined}
          onSend={send}
          onEdit={edit}
        />
        <UploadedFiles
          files={list.files}
          loading={list.loading}
          downloading={downloading}
          failure={failure?.during === 'download' ? failure.what : undefined}
          onRefresh={refresh}
          onDownload={download}
        />
      </main>
      <ModeNote />
    </div>
  );
}
