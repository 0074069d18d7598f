const { workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

exports.activate = () => {
  const [command, ...args] = workspace.getConfiguration('sallyport').get('command');
  const patterns = [
    '**/policy.yaml',
    '**/schema.yaml',
    '**/exemptions.yaml',
    '**/*.policy.yaml',
    '**/*.test.yaml',
  ];
  client = new LanguageClient(
    'sallyport',
    'Sallyport',
    { command, args, options: { cwd: workspace.workspaceFolders?.[0]?.uri.fsPath } },
    {
      documentSelector: patterns.map((pattern) => ({ scheme: 'file', language: 'yaml', pattern })),
      synchronize: { fileEvents: workspace.createFileSystemWatcher('**/*.yaml') },
    },
  );
  return client.start();
};

exports.deactivate = () => client?.stop();
