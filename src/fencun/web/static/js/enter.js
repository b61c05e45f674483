// A link may bring the token behind the #, which no server and no proxy ever sees.
const token = decodeURIComponent(location.hash.slice(1));
if (token) {
  history.replaceState(null, "", location.pathname + location.search);
  document.getElementById("token").value = token;
  document.getElementById("enter").requestSubmit();
}
