#include "s3/list_page.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace sluice;

constexpr int kKeys = 1000;

/// A page as S3 sends it: url-encoded keys, quoted ETags, checksum fields where `with_checksums`.
std::string typical_page(bool with_checksums) {
  std::string page =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bkt</Name>"
      "<Prefix>logs/</Prefix><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="
      "</NextContinuationToken><KeyCount>1000</KeyCount><MaxKeys>1000</MaxKeys>"
      "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>";
  for (int i = 0; i < kKeys; ++i) {
    char object[512];
    std::snprintf(object, sizeof object,
                  "<Contents><Key>logs/2024/06/%02d/host-%%2B%03d/part-%06d.json.gz</Key>"
                  "<LastModified>2024-06-%02dT03:04:%02d.000Z</LastModified>"
                  "<ETag>&quot;%08x983cd24fb0d6963f7d28e17f&quot;</ETag>%s<Size>%d</Size>"
                  "<StorageClass>STANDARD</StorageClass></Contents>",
                  i / 40 + 1, i % 17, i, i / 40 + 1, i % 60, static_cast<unsigned>(i) * 2654435761U,
                  with_checksums ? "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
                                   "<ChecksumType>FULL_OBJECT</ChecksumType>"
                                 : "",
                  1024 + i * 37);
    page += object;
  }
  page += "</ListBucketResult>";
  return page;
}

void parse_page(benchmark::State& state) {
  const std::string page = typical_page(state.range(0) != 0);
  s3::ListExpectation expectation;
  expectation.bucket = "bkt";
  expectation.prefix = "logs/";
  for (auto _ : state) {
    std::vector<char> body(page.begin(), page.end());
    auto parsed = s3::parse_list_page(std::move(body), expectation);
    if (!parsed || parsed->objects.size() != kKeys) std::abort();
    benchmark::DoNotOptimize(parsed->objects.data());
  }
  state.SetItemsProcessed(state.iterations() * kKeys);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(page.size()));
}
BENCHMARK(parse_page)->ArgName("checksums")->Arg(0)->Arg(1);

}  // namespace
