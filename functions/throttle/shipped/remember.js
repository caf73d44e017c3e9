// remember.js sets the cookie that throttle.js finished (CloudFront Function,
// viewer response, runtime cloudfront-js-2.0). It neither reads the store nor
// signs anything. CloudFront does not run it when the origin answered 400 or
// above: that visitor draws again, and draws the same.

function handler(event) {
  const response = event.response;
  try {
    const given = event.request.headers['x-raincheck'];
    if (given) {
      const end = given.value.indexOf('; ');
      if (!response.cookies) {
        response.cookies = {};
      }
      response.cookies['__Host-raincheck'] = { value: given.value.slice(0, end), attributes: given.value.slice(end + 2) };
    }
    return response;
  } catch (e) {
    return response;
  }
}
