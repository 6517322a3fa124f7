#include "report/object_line.hpp"

#include <gtest/gtest.h>

namespace sluice::report {
namespace {

ObjectEvent event_of(What what, std::string_view key) {
  ObjectEvent out;
  out.what = what;
  out.key = key;
  out.size = 1'258'291;
  return out;
}

TEST(ObjectLine, SaysWhatHappened) {
  ObjectEvent fetched = event_of(What::fetched, "a/b");
  fetched.proof = "md5";
  fetched.reason = "changed";
  EXPECT_EQ(object_line(fetched, Wordiness::brief), "fetched a/b (1.2 MiB, md5)");
  EXPECT_EQ(object_line(fetched, Wordiness::with_reason), "fetched a/b (1.2 MiB, md5, changed)");
  EXPECT_EQ(object_line(event_of(What::deleted, "a/b"), Wordiness::brief), "deleted a/b");
  EXPECT_EQ(object_line(event_of(What::touched, "a"), Wordiness::brief), "set the time of a");
}

TEST(ObjectLine, SaysWhatWouldHappenInADryRun) {
  ObjectEvent one = event_of(What::fetched, "a");
  one.dry_run = true;
  EXPECT_EQ(object_line(one, Wordiness::brief), "would fetch a (1.2 MiB)");
  one.what = What::deleted;
  EXPECT_EQ(object_line(one, Wordiness::brief), "would delete a");
}

TEST(ObjectLine, EscapesKeysAndReasons) {
  ObjectEvent refused = event_of(What::refused, "a\x1b]0;x\x07\nfetched b");
  refused.reason = "control\nbyte";
  EXPECT_EQ(object_line(refused, Wordiness::brief),
            "refused a\\x1b]0;x\\x07\\x0afetched b: control\\x0abyte");
}

TEST(ObjectLine, NamesTheKeyOfAFailureOnce) {
  const Error named(ErrorKind::corrupt, "a/b: the content does not match its ETag");
  const Error nameless(ErrorKind::denied, "s3:GetObject is not allowed");
  ObjectEvent failed = event_of(What::failed, "a/b");
  failed.error = &named;
  EXPECT_EQ(object_line(failed, Wordiness::brief), named.message);
  failed.error = &nameless;
  EXPECT_EQ(object_line(failed, Wordiness::brief), "a/b: s3:GetObject is not allowed");
}

TEST(ObjectLine, NamesTheKeyOfARefusalOnce) {
  const Error named(ErrorKind::refused_key, "a/b cannot be stored: its place is taken");
  ObjectEvent refused = event_of(What::refused, "a/b");
  refused.error = &named;
  EXPECT_EQ(object_line(refused, Wordiness::brief),
            "refused: a/b cannot be stored: its place is taken");
  refused.error = nullptr;
  EXPECT_EQ(object_line(refused, Wordiness::brief), "refused a/b");
}

TEST(ObjectLine, EveryEventHasItsChannel) {
  EXPECT_EQ(channel_of(What::kept), Channel::none);
  for (const What what : {What::fetched, What::adopted, What::touched, What::deleted})
    EXPECT_EQ(channel_of(what), Channel::result);
  for (const What what : {What::extraneous, What::forgotten, What::vanished})
    EXPECT_EQ(channel_of(what), Channel::detail);
  for (const What what : {What::archived, What::refused, What::local_kept})
    EXPECT_EQ(channel_of(what), Channel::warning);
  EXPECT_EQ(channel_of(What::failed), Channel::error);
}

TEST(ObjectLine, AddsOnlyWhatTheSentenceLacks) {
  Error error(ErrorKind::denied, "access denied (HTTP 403)");
  error.http_status = 403;
  error.code = "AccessDenied";
  EXPECT_EQ(error_details(error), "AccessDenied");
  error.message = "no";
  EXPECT_EQ(error_details(error), "HTTP 403, AccessDenied");
  error.code = "Odd\x1b";
  EXPECT_EQ(error_details(error), "HTTP 403, Odd\\x1b");
  EXPECT_EQ(error_details(Error(ErrorKind::usage, "x")), "");
}

}  // namespace
}  // namespace sluice::report
