const { window, workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

/** @type {import('vscode-languageclient/node').LanguageClient | undefined} */
let client;

const patterns = [
  '**/policy.yaml',
  '**/schema.yaml',
  '**/exemptions.yaml',
  '**/*.policy.yaml',
  '**/*.test.yaml',
  '**/controls/*.yaml',
];

exports.activate = async () => {
  /** @type {unknown} */
  const setting = workspace.getConfiguration('sallyport').get('command');
  const [command, ...args] = Array.isArray(setting) ? setting.map(String) : [];
  if (command === undefined) {
    void window.showErrorMessage('Sallyport: the setting sallyport.command is empty');
    return;
  }
  const folder = workspace.workspaceFolders?.[0]?.uri.fsPath;
  const watcher = workspace.createFileSystemWatcher('**/*.yaml');
  client = new LanguageClient(
    'sallyport',
    'Sallyport',
    { command, args, options: folder === undefined ? {} : { cwd: folder } },
    {
      documentSelector: patterns.map((pattern) => ({ scheme: 'file', language: 'yaml', pattern })),
      synchronize: { fileEvents: watcher },
    },
  );
  await client.start();
};

exports.deactivate = () => client?.stop();
