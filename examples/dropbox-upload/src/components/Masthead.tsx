import { Icon } from './Icon';

export function Masthead() {
  return (
    <header className="masthead">
      <span className="mark">
        <Icon name="tray" />
      </span>
      <div>
        <h1>Contact form</h1>
        <p>What you send is stored in Dropbox as a CSV file.</p>
      </div>
    </header>
  );
}
