// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads plug-ins and calls them, by the words of its command line or, without
 * any, of its standard input:
 *
 *	open PATH	answers "open ADDRESS", where its function is
 *	call		answers "called"
 *	close		answers "closed"
 *	thread		starts one and waits for it
 *	pause		for 100 ms
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "call_stacks.h"

static void *plugin;
static void (*entry)(void);

static own_frame void call_plugin(void)
{
	entry();
	no_tail_call();
}

static void *in_thread(void *argument)
{
	return argument;
}

static own_frame void start_thread_here(void)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, in_thread, NULL))
		pthread_join(thread, NULL);
	no_tail_call();
}

static void do_word(const char *word, const char *argument)
{
	const struct timespec pause = { 0, 100000000 };

	if (!strcmp(word, "open")) {
		plugin = dlopen(argument, RTLD_NOW);
		if (!plugin) {
			fprintf(stderr, "%s\n", dlerror());
			exit(3);
		}
		entry = (void (*)(void))(size_t)dlsym(plugin, "plugin_entry");
		printf("open %p\n", (void *)(size_t)entry);
	} else if (!strcmp(word, "call")) {
		call_plugin();
		printf("called\n");
	} else if (!strcmp(word, "close")) {
		dlclose(plugin);
		printf("closed\n");
	} else if (!strcmp(word, "thread")) {
		start_thread_here();
		printf("thread\n");
	} else if (!strcmp(word, "pause")) {
		nanosleep(&pause, NULL);
		printf("paused\n");
	}
	fflush(stdout);
}

int main(int count, char **arguments)
{
	static char output[4096];
	char word[16], argument[1024];

	alarm(120);
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	if (count > 1) {
		for (int i = 1; i < count; i++)
			do_word(arguments[i],
				i + 1 < count ? arguments[i + 1] : "");
		return 0;
	}
	printf("ready\n");
	fflush(stdout);
	while (scanf("%15s", word) == 1) {
		argument[0] = '\0';
		if (!strcmp(word, "open") && scanf("%1023s", argument) != 1)
			break;
		do_word(word, argument);
	}
	return 0;
}
