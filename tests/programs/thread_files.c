// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * thread_files DIRECTORY PLUGIN: a thread leaves the mount namespace of its
 * process, has a file system of its own on DIRECTORY and a copy of the plug-in
 * (call_stacks/plugin.c) there, which nobody else can open. It loads that, and
 * after the next line calls it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "truth.h"

#define CALLS 1500
#define SIZE 33 /* what the plug-in allocates at each call */

/* The plug-in's own function. */
static struct truth_site plugin_one_inner_site = {
	.name = "plugin_one_inner",
	.space = TRUTH_HEAP,
};
static struct truth_site *const listed
	__attribute__((section("truth_sites"), used)) = &plugin_one_inner_site;

static void copy(const char *from, const char *to)
{
	int source = open(from, O_RDONLY | O_CLOEXEC);
	int target = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char bytes[4096];
	ssize_t got;

	truth_require(source >= 0 && target >= 0, "cannot open");
	while ((got = read(source, bytes, sizeof(bytes))) > 0)
		truth_require(write(target, bytes, (size_t)got) == got,
			      "cannot write");
	close(source);
	close(target);
}

static void (*plugin_load(char **paths))(void)
{
	static char path[4096];
	void *plugin;

	truth_require(unshare(CLONE_FS | CLONE_NEWNS) == 0 &&
			      mount("none", "/", NULL, MS_REC | MS_PRIVATE,
				    NULL) == 0 &&
			      mount("none", paths[0], "tmpfs", 0, NULL) == 0,
		      "no namespace");
	snprintf(path, sizeof(path), "%s/plugin.so", paths[0]);
	copy(paths[1], path);
	plugin = dlopen(path, RTLD_NOW);
	truth_require(plugin != NULL, "not loaded");
	return (void (*)(void))(size_t)dlsym(plugin, "plugin_entry");
}

static TRUTH_CALLER void *in_thread(void *paths)
{
	void (*entry)(void) = plugin_load(paths);

	truth_report();
	for (int i = 0; i < CALLS; i++) {
		entry();
		truth_allocated(&plugin_one_inner_site, SIZE);
	}
	truth_report();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	truth_require(argc == 3, "arguments: DIRECTORY PLUGIN");
	truth_ready();
	truth_require(pthread_create(&thread, NULL, in_thread, argv + 1) == 0,
		      "no thread");
	pthread_join(thread, NULL);
	return 0;
}
