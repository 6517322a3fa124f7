// Three fixed pieces of work on one thread, whose instructions instructions.py counts:
//
//   workloads listing | requests | record
//
// Everything is made ready first; only what runs inside measured() counts.
#include "../scratch_record.hpp"
#include "aws/signer.hpp"
#include "http/codec.hpp"
#include "plan/decide.hpp"
#include "plan/merge_join.hpp"
#include "s3/list_page.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The name that callgrind is told. Not a template, not inlined, not in a namespace.
extern "C" __attribute__((noinline)) void measured(const std::function<void()>& work) {
  work();
}

namespace {

using namespace sluice;

constexpr std::size_t kPageKeys = 1000;
constexpr std::size_t kPages = 10;
constexpr std::size_t kRequests = 1000;
constexpr std::size_t kGroup = 4096;  // of the publisher
constexpr std::string_view kEtag = "d41d8cd98f00b204e9800998ecf8427e";

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "workloads: %s\n", what);
  std::exit(1);
}

std::string key_of(std::size_t number) {
  char text[64];
  std::snprintf(text, sizeof text, "photos/%04zu/%02zu/f%08zu.jpg", number / 1000, number / 50 % 20,
                number);
  return text;
}

ObjectRow row_of(std::size_t number) {
  return bench::row_of(key_of(number), number);
}

std::string page_of(std::size_t page) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name>"
      "<Prefix></Prefix><KeyCount>1000</KeyCount><MaxKeys>1000</MaxKeys>"
      "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>1ueGcxLPRx1Tr</NextContinuationToken>";
  for (std::size_t i = page * kPageKeys; i < (page + 1) * kPageKeys; ++i)
    text += "<Contents><Key>" + key_of(i) +
            "</Key><LastModified>2023-11-14T22:13:20.000Z</LastModified><ETag>&quot;" +
            std::string(kEtag) + "&quot;</ETag><Size>" + std::to_string(i) +
            "</Size><StorageClass>STANDARD</StorageClass></Contents>";
  return text + "</ListBucketResult>";
}

/// A pass over 10,000 unchanged keys but for the disk: pages, join, decisions.
void listing() {
  bench::ScratchRecord scratch;
  record::Batch batch;
  for (std::size_t i = 0; i < kPages * kPageKeys; ++i)
    batch.upserts.push_back(row_of(i));
  require(scratch.record().commit(batch).has_value(), "cannot write the record");
  std::vector<std::string> pages;
  for (std::size_t page = 0; page < kPages; ++page)
    pages.push_back(page_of(page));
  measured([&] {
    s3::ListExpectation expectation;
    expectation.bucket = "bucket";
    plan::MergeJoin join(scratch.record(), "");
    for (const std::string& text : pages) {
      std::vector<char> body;
      body.reserve(text.size() + 1);
      body.assign(text.begin(), text.end());
      const auto page = s3::parse_list_page(std::move(body), expectation);
      require(page.has_value(), "a page is no listing");
      for (const ListedObject& object : page->objects) {
        const auto row = join.row_for(object.key);
        require(row && *row != nullptr, "a row is missing");
        const plan::Decision decision = plan::decide(object, *row, file_of(**row), {});
        require(decision.action == plan::Action::keep, "a key is not kept");
      }
    }
  });
}

struct Counted final : http::ResponseHandler {
  Result<void> on_head(const http::ResponseHead& head) override {
    good += head.status == 200 && head.find("etag") ? 1 : 0;
    return {};
  }
  Result<void> on_body(std::span<const std::byte>) override { return {}; }
  std::size_t good = 0;
};

/// 1,000 GETs but for the network: signed, written out, the head of the answer read.
void requests() {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nx-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNE"
      "HGran\r\nx-amz-request-id: 318BC8BC148832E5\r\nDate: Tue, 14 Nov 2023 22:13:21 GMT\r\n"
      "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\nETag: \"" +
      std::string(kEtag) +
      "\"\r\nAccept-Ranges: bytes\r\nContent-Type: binary/octet-stream\r\nServer: AmazonS3\r\n"
      "Content-Length: 4\r\n\r\nbody";
  const std::span<const char> bytes(answer);
  aws::Credentials own;
  own.access_key = "AKIAIOSFODNN7EXAMPLE";
  own.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  aws::Signer signer("eu-central-1");
  http::ResponseParser parser("https://s3.example.com", 64 * 1024);
  Counted counted;
  const auto one = [&](std::size_t number) {
    const std::string path = "/" + key_of(number);
    aws::SigningInput input;
    input.path = path;
    input.headers = {{"host", "bucket.s3.eu-central-1.amazonaws.com"},
                     {"if-match", "\"" + std::string(kEtag) + "\""}};
    const http::Request request = signer.sign(input, own, 1'700'000'000);
    require(http::serialise(request).has_value(), "a request cannot be sent");
    parser.start(request.method, counted);
    require(parser.feed(std::as_bytes(bytes)).has_value() && parser.done(), "an answer is bad");
  };
  one(0);  // what is made once: the key of the day, OpenSSL's tables
  measured([&] {
    for (std::size_t number = 1; number <= kRequests; ++number)
      one(number);
  });
  require(counted.good == kRequests + 1, "an answer has no ETag");
}

/// The publisher's work on a group of 4,096 new files: pending, then stored.
void record_group() {
  bench::ScratchRecord scratch;
  const auto batch_from = [](std::size_t first) {
    record::Batch batch;
    for (std::size_t i = first; i < first + kGroup; ++i)
      batch.pending.push_back(PendingRow{row_of(i), "0/" + std::to_string(i), 0});
    return batch;
  };
  const record::Batch first = batch_from(0);
  record::Batch second = batch_from(kGroup);
  record::PendingRange numbers = scratch.record().commit(first).value();
  measured([&] {
    second.placed = {numbers};
    second.settled = {numbers};
    numbers = scratch.record().commit(second).value();
  });
  require(scratch.record().totals().value().objects == kGroup, "rows are missing");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view name = argc == 2 ? argv[1] : "";
  if (name == "listing")
    listing();
  else if (name == "requests")
    requests();
  else if (name == "record")
    record_group();
  else
    require(false, "listing, requests or record?");
  return 0;
}
