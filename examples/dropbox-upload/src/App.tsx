import { ContactForm } from './components/ContactForm';
import { FailureNotice } from './components/FailureNotice';
import { Masthead } from './components/Masthead';
import { ModeNote } from './components/ModeNote';
import { UploadedFiles } from './components/UploadedFiles';
import { useSubmissions } from './useSubmissions';

export function App() {
  const { state, send, refresh, download, edit } = useSubmissions();
  const { form, list, downloading, failure } = state;
  return (
    <div className="page">
      <Masthead />
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
          latest={form.step === 'sent' ? form.path : undefined}
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
