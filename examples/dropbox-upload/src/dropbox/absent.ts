// Stands for the modules of Node.js that the page does not have.
export default undefined;
