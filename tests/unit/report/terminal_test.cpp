#include "report/terminal.hpp"

#include "captured.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <thread>
#include <vector>

namespace sluice::report {
namespace {

TEST(Terminal, KeepsTheStreamsApart) {
  Captured captured;
  Terminal terminal(captured.plain());
  terminal.print("result");
  terminal.log(Paint::red, "error: ", "trouble");
  terminal.show_progress("never seen");
  terminal.flush();
  EXPECT_EQ(captured.out.text(), "result\n");
  EXPECT_EQ(captured.err.text(), "error: trouble\n");
}

TEST(Terminal, KeepsTheProgressLineBelowEverythingElse) {
  Captured captured;
  {
    Terminal terminal(captured.tty());
    terminal.show_progress("50 %");
    EXPECT_EQ(captured.err.text(), "\r\x1b[K50 %");
    terminal.log(Paint::none, "", "a line");
    EXPECT_EQ(captured.err.text(), "\r\x1b[K50 %\r\x1b[Ka line\n\r\x1b[K50 %");
    terminal.print("a result");
    EXPECT_EQ(captured.out.text(), "a result\n");
  }
  // Erased for the result, drawn again, and gone in the end.
  EXPECT_EQ(captured.err.text(),
            "\r\x1b[K50 %\r\x1b[Ka line\n\r\x1b[K50 %\r\x1b[K\r\x1b[K50 %\r\x1b[K");
}

TEST(Terminal, HiddenProgressStaysHidden) {
  Captured captured;
  Terminal terminal(captured.tty());
  terminal.show_progress("50 %");
  terminal.hide_progress();
  const std::string before = captured.err.text();
  terminal.log(Paint::none, "", "a line");
  terminal.hide_progress();
  EXPECT_EQ(captured.err.text(), before + "a line\n");
}

TEST(Terminal, ColoursOnlyTheHeadAndOnlyWhereWanted) {
  Captured captured;
  TerminalOptions options = captured.tty();
  options.colour = true;
  Terminal terminal(options);
  terminal.log(Paint::red, "error: ", "x");
  terminal.log(Paint::yellow, "warning: ", "y");
  terminal.log(Paint::none, "plain: ", "z");
  EXPECT_EQ(captured.err.text(), "\x1b[31merror: \x1b[0mx\n\x1b[33mwarning: \x1b[0my\nplain: z\n");
}

TEST(Terminal, RemembersThatOutputFailed) {
  Captured captured;
  std::FILE* full = std::fopen("/dev/full", "w");
  ASSERT_NE(full, nullptr);
  TerminalOptions options = captured.plain();
  options.out = full;
  {
    Terminal terminal(options);
    EXPECT_EQ(terminal.out_error(), 0);
    terminal.print("lost");
    terminal.flush();
    EXPECT_EQ(terminal.out_error(), ENOSPC);
    terminal.print("dropped");
  }
  std::fclose(full);
}

TEST(Terminal, LinesOfManyThreadsStayWhole) {
  Captured captured;
  {
    Terminal terminal(captured.plain());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&terminal] {
        for (int n = 0; n < 250; ++n) {
          terminal.print("0123456789");
          terminal.log(Paint::none, "01234", "56789");
        }
      });
    for (std::thread& thread : threads)
      thread.join();
  }
  std::string expected;
  for (int n = 0; n < 1000; ++n)
    expected += "0123456789\n";
  EXPECT_EQ(captured.out.text(), expected);
  EXPECT_EQ(captured.err.text(), expected);
}

}  // namespace
}  // namespace sluice::report
