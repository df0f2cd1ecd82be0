// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs unwind_target.so, which lies beside it, as a plug-in. */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>

int main(int count, char **arguments)
{
	char path[PATH_MAX], plugin[PATH_MAX + 32];
	int (*plugin_main)(int count, char **arguments);
	void *handle;

	snprintf(path, sizeof(path), "%s", arguments[0]);
	snprintf(plugin, sizeof(plugin), "%s/unwind_target.so", dirname(path));
	handle = dlopen(plugin, RTLD_NOW);
	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		return 3;
	}
	plugin_main =
		(int (*)(int, char **))(size_t)dlsym(handle, "plugin_main");
	return plugin_main(count, arguments);
}
