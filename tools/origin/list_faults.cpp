// The actions on listings: each spoils a page before it is written.
#include "origin/encoding.hpp"
#include "origin/faults.hpp"

#include <algorithm>
#include <utility>

namespace sluice::origin::faults {
namespace {

// Does nothing to answers that are no listing.
Action on_page(std::string name, std::function<void(Exchange&, ListPage&)> change) {
  Action action;
  action.name = std::move(name);
  action.on_answer = [change = std::move(change)](Exchange& e) {
    if (e.answer.page) change(e, *e.answer.page);
  };
  return action;
}

void spoil_token(TokenFault fault, ListPage& page) {
  if (fault == TokenFault::drop_is_truncated) {
    page.is_truncated.reset();
  } else if (fault == TokenFault::not_truncated) {
    page.is_truncated = false;
    page.next_token.reset();
  } else if (fault == TokenFault::missing) {
    page.is_truncated = true;
    page.next_token.reset();
  } else if (fault == TokenFault::junk) {
    page.is_truncated = true;
    page.next_token = "junk +/=\"<&>";
  } else if (page.token) {
    // The token this page was asked with: a client that follows it goes round for ever.
    page.is_truncated = true;
    page.next_token = page.token;
  }
}

}  // namespace

Action list_token(TokenFault fault) {
  return on_page("list_token", [fault](Exchange&, ListPage& page) { spoil_token(fault, page); });
}

Action list_shuffle() {
  return on_page("list_shuffle", [](Exchange& e, ListPage& page) {
    std::uint64_t random = e.random;
    for (std::size_t i = page.objects.size(); i > 1; --i) {
      random = mix64(random);
      std::swap(page.objects[i - 1], page.objects[random % i]);
    }
  });
}

Action list_duplicate() {
  return on_page("list_duplicate", [](Exchange&, ListPage& page) {
    if (page.objects.empty()) return;
    page.objects.push_back(ObjectInfo(page.objects.front()));
    ++page.key_count;
  });
}

Action list_empty() {
  return on_page("list_empty", [](Exchange&, ListPage& page) {
    page.objects.clear();
    page.common_prefixes.clear();
    page.key_count = 0;
  });
}

Action list_drop(std::string glob) {
  return on_page("list_drop", [glob = std::move(glob)](Exchange&, ListPage& page) {
    page.key_count -= std::erase_if(
        page.objects, [&glob](const ObjectInfo& info) { return glob_match(glob, info.key); });
  });
}

Action list_ignore_encoding() {
  return on_page("list_ignore_encoding",
                 [](Exchange&, ListPage& page) { page.url_encoding = false; });
}

Action list_prefix(std::string echoed) {
  return on_page("list_prefix",
                 [echoed = std::move(echoed)](Exchange&, ListPage& page) { page.prefix = echoed; });
}

Action list_cut(std::uint64_t at) {
  return on_page("list_cut", [at](Exchange& e, ListPage& page) {
    std::string xml = to_xml(page);
    xml.resize(std::min<std::size_t>(xml.size(), at));
    set_body(e.answer.response, std::move(xml), "application/xml");
  });
}

Action list_replace(std::string find, std::string with) {
  return on_page("list_replace",
                 [find = std::move(find), with = std::move(with)](Exchange& e, ListPage& page) {
                   std::string xml = to_xml(page);
                   const std::size_t at = xml.find(find);
                   if (at != std::string::npos) xml.replace(at, find.size(), with);
                   set_body(e.answer.response, std::move(xml), "application/xml");
                 });
}

}  // namespace sluice::origin::faults
