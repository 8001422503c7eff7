// How the views of the directory run their statements.
export { idLists, marks, rowGroups, run } from '@app/runtime';
