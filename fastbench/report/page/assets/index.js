// The page of a run of several tasks: it has no chart that needs a script.
watchTheme();
watchTools(JSON.parse(document.getElementById("data").textContent).markdown);
root.dataset.drawn = "all";
