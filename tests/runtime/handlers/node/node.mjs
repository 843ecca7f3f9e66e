// What the tests of Node.js functions invoke.
export const double = async (event) => ({ doubled: event.number * 2 });

export const later = (event, context, callback) => {
  setTimeout(() => callback(null, { said: event.said, name: context.functionName }), 5);
};

export const fail = async () => {
  console.log("about to fail");
  throw new TypeError("no good");
};

export const never = () => new Promise(() => {});

export const escape = () => {
  setTimeout(() => {
    throw new Error("from a timer");
  }, 1);
  return new Promise((resolve) => setTimeout(resolve, 1000));
};
