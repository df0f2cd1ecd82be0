// SPDX-License-Identifier: GPL-2.0-or-later
// C++ call stacks for unwind_check: the standard library's algorithms and
// containers, virtual calls, exceptions, destructors while they pass, threads.
#include <algorithm>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "unwind_truth.h"

namespace {

struct shape {
	virtual ~shape() { mark(); }
	virtual int area(int depth) const = 0;
};

struct square : shape {
	std::string name{ "a name too long for the small string buffer" };
	int area(int depth) const override
	{
		if (depth)
			return area(depth - 1) + static_cast<int>(name.size());
		mark();
		return 1;
	}
};

struct at_exit {
	~at_exit() { mark(); }
};

void throwing(int depth)
{
	at_exit guard;

	if (!depth)
		throw std::runtime_error("thrown");
	throwing(depth - 1);
}

void by_exception()
{
	try {
		throwing(4);
	} catch (const std::exception &) {
		mark();
		try {
			throwing(2);
		} catch (...) {
			mark();
		}
	}
}

struct noisy {
	int value;
	noisy(int v) : value(v) { if (v % 13 == 0) mark(); }
	noisy(const noisy &o) : value(o.value) { if (value % 7 == 0) mark(); }
	noisy &operator=(const noisy &) = default;
};

void by_library()
{
	std::vector<noisy> numbers;
	std::map<std::string, std::function<void()>> actions;

	for (int i = 0; i < 50; i++)
		numbers.emplace_back((i * 37) % 101);
	std::sort(numbers.begin(), numbers.end(),
		  [](const noisy &a, const noisy &b) {
			  if ((a.value ^ b.value) % 11 == 0)
				  mark();
			  return a.value < b.value;
		  });
	for (int i = 0; i < 5; i++)
		actions[std::to_string(i)] = [i] { if (i) mark(); };
	std::for_each(actions.begin(), actions.end(),
		      [](auto &action) { action.second(); });
}

struct marking_buffer : std::streambuf {
	int overflow(int c) override { mark(); return c; }
};

void by_stream()
{
	marking_buffer buffer;
	std::ostream stream(&buffer);

	stream << 12.5 << "x" << std::string(3, 'y');
}

void by_thread()
{
	std::thread thread([] { square().area(3); });
	auto future = std::async(std::launch::async, [] { mark(); return 1; });

	thread.join();
	future.get();
}

} // namespace

int main(int count, char **arguments)
{
	int rounds = count > 1 ? std::atoi(arguments[1]) : 200;

	wait_for_go(0);
	for (int i = 0; i < rounds; i++) {
		std::unique_ptr<shape> some(new square);

		some->area(i % 20);
		by_exception();
		by_library();
		by_stream();
		if (i % 10 == 0)
			by_thread();
	}
	return 0;
}
