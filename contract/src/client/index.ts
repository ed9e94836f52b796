/** The typed client of the management API that CLI, demo and tests share. */
export { type ClientOptions, ManagementClient, type OperationInput, type OperationOutput } from './client.ts';
export { CLIENT_ERRORS, ClientError, type ClientErrorCode, RemoteError } from './errors.ts';
